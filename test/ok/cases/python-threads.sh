# python3 with threads, processes and asyncio, on the default allocator (pymalloc over mmap).
# needs: /usr/bin/python3
# timeout: 90
# not-tiny: 40 s in an emulator; kvm-python-threads in test/vm/list.d/kvm.list does the like
cat >t.py <<'PY'
import asyncio, concurrent.futures as cf, ctypes, decimal, hashlib, json, multiprocessing as mp
import queue, re, subprocess, threading, collections, sys, os
N = {"tiny": 1000, "quick": 20000, "full": 400000}[os.environ["SIZE"]]

def work(seed):
    d = collections.defaultdict(list)
    for i in range(N // 20):
        d[(i * seed) % 97].append(str(i) * (i % 5))
    return hashlib.md5(json.dumps(d, sort_keys=True).encode()).hexdigest()

def square(x):
    return x * x, len([str(i) for i in range(x % 1000)])

if __name__ == "__main__":
    with cf.ThreadPoolExecutor(8) as ex:
        print(hashlib.md5("".join(ex.map(work, range(1, 30))).encode()).hexdigest())
    with mp.get_context("fork").Pool(3) as p:
        print(sum(a + b for a, b in p.map(square, range(500))))
    with mp.get_context("spawn").Pool(2) as p:
        print(sum(a + b for a, b in p.map(square, range(100))))
    q = queue.Queue(10)
    got = []
    def consumer():
        while (x := q.get()) is not None:
            got.append(len(x))
    ts = [threading.Thread(target=consumer) for _ in range(4)]
    [t.start() for t in ts]
    for i in range(N // 10):
        q.put(b"x" * (i % 3000))
    [q.put(None) for _ in ts]
    [t.join() for t in ts]
    print(sum(got), len(got))
    async def tick(i):
        await asyncio.sleep(0.001 * (i % 3))
        return i
    async def all_of():
        pr = await asyncio.create_subprocess_exec("echo", "sub", stdout=subprocess.PIPE)
        out = (await pr.communicate())[0]
        return sum(await asyncio.gather(*(tick(i) for i in range(500)))), out
    print(asyncio.run(all_of()))
    decimal.getcontext().prec = 2000
    print(hashlib.md5(str(decimal.Decimal(2).sqrt()).encode()).hexdigest())
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    ps = [libc.malloc(i) for i in range(1, 2000)]
    print(len(set(ps)), all(p % 16 == 0 for p in ps))
    [libc.free(p) for p in ps]
    print(subprocess.run(["sh", "-c", "echo $((6*7)); exit 3"], capture_output=True))
    print(len(re.findall(r"(\w+)@(\w+)\.com", "ab@cd.com " * (N // 10))))
    pids = []
    for i in range(10):
        pid = os.fork()
        if not pid:
            os._exit(i)
        pids.append(pid)
    print([os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids])
PY
/usr/bin/python3 t.py
