# postgres: initdb, pgbench, a dump, all as an unprivileged user.
# needs: /usr/lib/postgresql/*/bin/postgres psql runuser
# timeout: 150
# full-timeout: 900
# not-tiny: not tried: initdb and a process per connection
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
n=100
[ "$SIZE" = full ] && n=5000
as=()
if [ "$(id -u)" = 0 ]; then
	mkdir pg && chown postgres pg
	as=(runuser -u postgres --)
else
	mkdir pg
fi
cd pg
run() { "${as[@]}" "$@"; }
export PGHOST=$PWD PGUSER=postgres PGDATABASE=postgres PGDATA=$PWD/data
run "$bin/initdb" -D "$PWD/data" -U postgres -A trust --locale=C -E UTF8 --no-sync >initdb.log 2>&1
echo "initdb $?"
run "$bin/postgres" -D "$PWD/data" -k "$PWD" -c listen_addresses= -c fsync=off -c shared_buffers=16MB >server.log 2>&1 &
pid=$!
for _ in $(seq 1200); do "$bin/pg_isready" -q && break; sleep 0.1; done
run "$bin/pgbench" -i -s 1 -q >/dev/null 2>&1
echo "init $?"
run "$bin/pgbench" -n -c 4 -j 2 -t $n 2>/dev/null | grep -E 'actually processed|failed' | sed 's/(.*//'
psql -At <<'SQL'
SELECT count(*), sum(bid) FROM pgbench_accounts;
SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches);
CREATE TABLE t AS SELECT i, md5(i::text) m, array_agg(j) a FROM generate_series(1, 3000) i, generate_series(1, 5) j GROUP BY i;
CREATE INDEX ON t(m);
SELECT md5(string_agg(m || a::text, ',' ORDER BY i)) FROM t;
SELECT count(*) FROM t x JOIN t y ON x.m > y.m AND x.i % 100 = 1 AND y.i % 100 = 2;
DO $$ BEGIN FOR i IN 1..300 LOOP BEGIN PERFORM 1/(i%3); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$;
SELECT jsonb_agg(x)::text FROM (SELECT i, m FROM t ORDER BY i LIMIT 3) x;
VACUUM FULL t;
SQL
run "$bin/pg_dump" -t t | grep -v '^--' | grep -vE '^\\(un)?restrict' | md5sum
kill -INT "$(head -1 data/postmaster.pid)"
wait $pid
echo "server $?"
grep -cE 'terminated by signal|PANIC|server process .* exited' server.log
exit 0
