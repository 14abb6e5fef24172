# sqlite3: a generated database (10 MB quick, 100 MB full), joins, indices, aggregate, vacuum.
# needs: sqlite3
# timeout: 90
# full-timeout: 900
rows=40000
[ "$SIZE" = full ] && rows=900000
[ "$SIZE" = tiny ] && rows=1500
sqlite3 -batch t.db <<SQL
.bail on
PRAGMA journal_mode=WAL;
CREATE TABLE a(id INTEGER PRIMARY KEY, k INTEGER, name TEXT, body TEXT);
CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER, v REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO a SELECT i, (i * 7919) % 10007, 'name' || (i % 1000), printf('%.*c%d', i % 80, 'x', i)
FROM n;
INSERT INTO b SELECT id, (id * 31) % $rows + 1, (id % 977) / 7.0 FROM a;
CREATE INDEX a_k ON a(k);
CREATE INDEX b_a ON b(a_id);
SELECT count(*), sum(length(body)) FROM a;
SELECT a.name, count(*), round(sum(b.v), 3) FROM a JOIN b ON b.a_id = a.id
  GROUP BY a.name ORDER BY 3 DESC, 1 LIMIT 20;
SELECT k, group_concat(id, ',') FROM a WHERE k BETWEEN 10 AND 13 GROUP BY k;
UPDATE a SET body = upper(body) || '!' WHERE k % 3 = 0;
DELETE FROM b WHERE id % 5 = 0;
SELECT count(*), round(avg(v), 6) FROM b;
SELECT sum(x.c) FROM (SELECT count(*) c FROM a x, a y WHERE x.k = y.id AND x.k < 500) x;
SELECT json_group_array(name) FROM (SELECT DISTINCT name FROM a ORDER BY name LIMIT 5);
CREATE VIRTUAL TABLE f USING fts5(body);
INSERT INTO f SELECT name || ' ' || body FROM a WHERE id < 5000;
SELECT count(*) FROM f WHERE f MATCH 'name7';
VACUUM;
PRAGMA integrity_check;
SQL
echo "status $?"
sqlite3 t.db .dump | md5sum
[ "$SIZE" = full ] && echo "big $(($(stat -c %s t.db) > 90000000))"
exit 0
