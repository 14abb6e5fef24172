# needs: mariadbd mariadb mariadb-install-db
# timeout: 600
# A server of its own: tables, an index, a join, a transaction that is rolled back, several clients.
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$PWD/data" --skip-test-db >install.log 2>&1
echo "install $?"
mariadbd --no-defaults --user="$(id -un)" --datadir="$PWD/data" --socket="$PWD/s" --skip-networking --innodb-buffer-pool-size=32M \
	--pid-file="$PWD/pid" >server.log 2>&1 &
sql() {
	mariadb --no-defaults --socket="$PWD/s" -u root -N "$@"
}
for i in $(seq 200); do
	sql -e 'select 1' >/dev/null 2>&1 && break
	sleep 1
done
sql <<'S'
create database d;
use d;
create table a (i int primary key, t varchar(100));
insert into a select seq, md5(seq) from seq_1_to_5000;
create index x on a (t);
create table b as select i * 2 as j, t from a;
select count(*), sum(i) from a join b on a.i = b.j;
begin;
delete from a;
rollback;
select count(*), min(t), max(t) from a;
S
for k in 1 2 3 4; do
	sql d -e "select $k, count(distinct substr(t, 1, $k)) from a" >"o$k" &
done
wait $(jobs -p | tail -n 4)
cat o1 o2 o3 o4
sql -e shutdown
wait
grep -q 'Shutdown complete' server.log && echo down
