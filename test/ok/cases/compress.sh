# xz -T2, zstd -T2, gzip, bzip2: round trips and equal bytes.
# needs: xz zstd gzip
# timeout: 90
# full-timeout: 600
# not-tiny: 30 s of computing that has little to do with malloc (xz is in test/vm/list.d/kvm.list)
n=2000000
[ "$SIZE" = full ] && n=60000000
[ "$SIZE" = tiny ] && n=400000
seq 1 10000000 | head -c $n >d
xz -T2 -2 --block-size=300000 -k -c d >d.xz && md5sum <d.xz
xz -T2 -dc d.xz | cmp - d && echo xz
xz -t d.xz && xz --robot -l d.xz | grep ^totals
zstd -q -T2 -9 -B300K -c d >d.zst && md5sum <d.zst
zstd -q -dc d.zst | cmp - d && echo zstd
zstd -q -T2 --long=24 -19 -c <(head -c 300000 d) | zstd -q --long=24 -dc | cmp - <(head -c 300000 d) && echo long
zstd -q --train -B500 d -o dict 2>/dev/null
zstd -q -D dict -c d 2>/dev/null | zstd -q -D dict -dc | md5sum
gzip -9c d | gzip -dc | cmp - d && echo gzip
head -c 100 d.xz >bad.xz
xz -dc bad.xz >/dev/null 2>&1
echo "truncated $?"
