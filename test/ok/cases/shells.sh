# dash, bc, dc, find, xargs, m4-like loads: many short-lived processes.
# needs: dash bc xargs
# not-tiny: each process makes a virtual machine of its own there, half a second in an emulator: 50 s
n=60
[ "$SIZE" = full ] && n=2000
[ "$SIZE" = tiny ] && n=4
seq 1 $n | xargs -P 4 -n 1 dash -c 'echo $(($0 * $0))' | sort -n | md5sum
echo "scale=300; 4*a(1)" | bc -l | md5sum
echo 'define f(n) { if (n < 2) return n; return f(n-1) + f(n-2); } f(17); 2^2000' | bc | md5sum
dash -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); eval "v$((i % 50))=\$i"; done; echo $v0 $v49'
for i in $(seq 20); do dash -c 'exit 3' || printf '%s' $?; done
echo
yes | head -50000 | tr -d '\n' | wc -c
env -i PATH="$PATH" dash -c 'env | cut -d= -f1 | grep -vc UNDANGLE' | sed 's/[0-9]*/n/'
