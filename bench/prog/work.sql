PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=4000;
CREATE TABLE a(id INTEGER PRIMARY KEY, k INT, s TEXT); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT, v REAL);
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<150000)
INSERT INTO a SELECT x, x*7919%10007, printf('row %d of %x', x, x*2654435761) FROM c;
INSERT INTO b SELECT id, k, k/3.0 FROM a;
CREATE INDEX ak ON a(k); CREATE INDEX ba ON b(a);
SELECT count(*), sum(length(s)) FROM a JOIN b ON b.a=a.k WHERE a.id % 7 = 0;
SELECT k%100, group_concat(substr(s,1,9)) FROM a WHERE id<8000 GROUP BY k%100 ORDER BY 1 LIMIT 3;
UPDATE a SET s = upper(s) || ' x' WHERE k < 5000; DELETE FROM b WHERE v > 3000;
SELECT count(DISTINCT lower(s)) FROM a; SELECT sum(json_extract(json_object('k',k,'s',s),'$.k')) FROM a;
