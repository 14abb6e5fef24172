# redis-server: a dataset, redis-benchmark, save, restart, equal DEBUG DIGEST; active replication off.
# needs: redis-server redis-cli redis-benchmark
# timeout: 90
# full-timeout: 600
n=2000
[ "$SIZE" = full ] && n=100000
[ "$SIZE" = tiny ] && n=100
s=$PWD/r.sock
start() {
	redis-server --port 0 --unixsocket "$s" --dir "$PWD" --save '' --daemonize no \
		--enable-debug-command yes --logfile "$PWD/log" --appendonly no &
	pid=$!
	for _ in $(seq 1200); do redis-cli -s "$s" ping 2>/dev/null | grep -q PONG && return; sleep 0.05; done
	echo "no answer"
	exit 1
}
c() { redis-cli -s "$s" "$@"; }
start
{
	for ((i = 0; i < n; i++)); do
		echo "SET str:$i value-$i-$((i * 7919))"
		echo "HSET hash:$((i % 50)) f$i v$i"
		echo "ZADD z:$((i % 7)) $i m$i"
		echo "RPUSH list:$((i % 11)) item$i"
		echo "SADD set:$((i % 13)) s$i"
	done
} | c --pipe | tail -1
c DEL hash:3 z:2 >/dev/null
c EVAL "for i = 1, 1000 do redis.call('APPEND', 'big', string.rep('x', i)) end return redis.call('STRLEN', 'big')" 0
redis-benchmark -s "$s" -q -n "$n" -c 20 -d 100 -r 1000 -t ping,set,get,incr,lpush,lpop,sadd,hset,spop,zadd,lrange_100,mset 2>&1 | tr '\r' '\n' | grep -c 'requests per second'
c FLUSHDB ASYNC
for ((i = 0; i < n; i++)); do printf 'SET k%d %0*d\n' $i $((i % 300 + 1)) $i; done | c --pipe | tail -1
c DEBUG DIGEST >before
c SAVE
c BGSAVE
sleep 0.3
c BGREWRITEAOF >/dev/null
c DBSIZE
c SHUTDOWN NOSAVE
wait $pid
echo "server $?"
start
c DBSIZE
c DEBUG DIGEST | cmp - before && echo restored
cat before
c MEMORY DOCTOR >/dev/null
c SHUTDOWN NOSAVE
wait $pid
echo "server $?"
