# node: JIT code, worker threads, child processes, zlib, crypto, buffers.
# needs: node
# timeout: 120
# full-timeout: 300
# not-tiny: not tried: compiles at run time, slow in an emulator
cat >t.js <<'JS'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib'), crypto = require('crypto'), cp = require('child_process');
const N = process.env.SIZE === 'full' ? 400000 : 20000;
if (!isMainThread) {
	const a = [];
	for (let i = 0; i < N; i++) a.push({ i, s: 'x'.repeat(i % 30) });
	parentPort.postMessage(a.reduce((t, o) => t + o.s.length * workerData, 0));
} else {
	const md5 = (s) => crypto.createHash('md5').update(s).digest('hex');
	const m = new Map();
	for (let i = 0; i < N; i++) m.set('k' + (i * 7919) % 9973, [i, String(i)]);
	console.log(m.size, md5(JSON.stringify([...m])));
	const b = Buffer.from(JSON.stringify([...m]));
	console.log(zlib.gunzipSync(zlib.gzipSync(b)).equals(b), zlib.brotliDecompressSync(zlib.brotliCompressSync(b.subarray(0, 50000))).length);
	console.log(crypto.pbkdf2Sync('p', 's', 1000, 16, 'sha256').toString('hex'));
	console.log(cp.execSync('echo child').toString().trim(), cp.spawnSync('sh', ['-c', 'exit 5']).status);
	const rs = [];
	for (let w = 1; w <= 4; w++) new Worker(__filename, { workerData: w }).on('message', (r) => rs.push(r)).on('exit', (c) => { if (rs.length === 4 && !rs.done) { rs.done = 1; console.log(rs.sort((x, y) => x - y)); } });
	const bufs = [];
	for (let i = 0; i < 2000; i++) bufs.push(Buffer.alloc(i * 7, i));
	console.log(md5(Buffer.concat(bufs)));
	require('fs').promises.readFile(__filename).then((d) => console.log(d.length));
}
JS
/usr/bin/node t.js | sort
echo "status ${PIPESTATUS[0]}"
