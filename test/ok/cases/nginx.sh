# nginx with two workers and wrk; hashes of the bodies, gzip, reload while under load.
# needs: nginx wrk curl
# timeout: 60
# not-tiny: not tried: wrk presses for seconds with 20 connections
t=1
[ "$SIZE" = full ] && t=15
mkdir -p www
seq 1 200000 >www/big.txt
for i in 1 2 3 4 5; do head -c $((i * 3000)) www/big.txt >www/f$i.txt; done
cat >nginx.conf <<CONF
worker_processes 2;
daemon off;
pid $PWD/nginx.pid;
error_log $PWD/error.log;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path $PWD/cb; proxy_temp_path $PWD/pt; fastcgi_temp_path $PWD/ft;
	uwsgi_temp_path $PWD/ut; scgi_temp_path $PWD/st;
	gzip on; gzip_min_length 100; gzip_types text/plain;
	proxy_cache_path $PWD/cache keys_zone=z:1m;
	server {
		listen 127.0.0.1:$PORT reuseport;
		root $PWD/www;
		location /p/ { proxy_pass http://127.0.0.1:$PORT/; proxy_cache z; proxy_cache_valid 1s; }
	}
}
CONF
chmod 755 . www
nginx -c "$PWD/nginx.conf" -p "$PWD" 2>/dev/null &
pid=$!
u=http://127.0.0.1:$PORT
for _ in $(seq 1200); do curl -sf $u/f1.txt >/dev/null && break; sleep 0.05; done
curl -sf $u/f1.txt >/dev/null || exit 1
for f in f1.txt f5.txt big.txt p/f3.txt none; do curl -s $u/$f | md5sum; done
curl -s --compressed -H 'Accept-Encoding: gzip' $u/big.txt | md5sum
wrk -t2 -c20 -d${t}s --timeout 60s $u/f2.txt >w1
wrk -t2 -c20 -d${t}s --timeout 60s $u/p/f4.txt >w2 &
w=$!
sleep 0.5
kill -HUP $pid
wait $w
grep -cE 'Socket errors|Non-2xx' w1
grep -c 'Requests/sec' w1 w2
curl -s $u/big.txt | md5sum
kill -QUIT $pid
wait $pid
echo "nginx $?"
grep -cE 'alert|emerg|signal' error.log | sed 's/^[1-9][0-9]*$/see error.log/'
grep -E 'alert|emerg|exited on signal' error.log
exit 0
