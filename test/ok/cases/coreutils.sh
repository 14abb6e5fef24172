# coreutils, grep, sed, awk, find, tar, diff: pipelines over this tree's text.
# needs: awk sed grep find tar diff sort
# not-tiny: not tried: each process makes a virtual machine of its own there, half a second in an emulator: 60 of them
n=3
[ "$SIZE" = full ] && n=60
for ((i = 0; i < n; i++)); do cat "$TOP"/test/bug/*.c; done >all
wc <all
sort all | uniq -c | sort -rn | head -50 | md5sum
LC_ALL=C sort --parallel=2 -S 1M all | md5sum
sed -E 's/([a-z]+)_([a-z]+)/\2_\1/g' all | md5sum
awk '{for (i = 1; i <= NF; i++) c[$i]++} END {for (w in c) print w, c[w]}' all | sort | md5sum
grep -cE '(drop|make)\(' all
tr -cs 'a-z' '\n' <all | sort -u | wc -l
mkdir t
for i in $(seq 300); do echo "$i" >"t/f$i"; done
find t -type f -newermt 2000-01-01 -exec cat {} + | sort -n | md5sum
tar cf t.tar --sort=name --mtime=@0 --owner=0 --group=0 t && md5sum <t.tar
mkdir u && tar xf t.tar -C u && diff -r t u/t && echo same
echo changed >u/t/f7
diff -r t u/t
ls -l t | awk '{print $5, $9}' | md5sum
sha256sum all | cut -d' ' -f1
cut -c1-20 all | paste -sd, | fold -w 100 | tail -1 | md5sum
factor 1234567890123456789 $((2 ** 62 - 1))
seq 1 100000 | shuf --random-source=<(yes) | sort -n | md5sum
join <(seq 1 2 1000 | sort) <(seq 1 3 1000 | sort) | wc -l
split -l 1000 all part. && cat part.* | cmp - all && echo joined
dd if=/dev/zero bs=64k count=100 2>/dev/null | od -c | head -3
