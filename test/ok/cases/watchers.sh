# needs: strace gdb
# profiles: deferred,production
# host-only: not tried: ptrace sees the vmm there
# Programs that watch others: what they watch says the same, and ends as it would.
strace -f -qq -o trace sh -c 'echo 1 | tr 1-3 a-c; exit 5'
echo "strace $?"
strace -f -qq -e inject=getpid:retval=7 -o trace perl -e 'print length(join(q(), 1 .. 200)), qq(\n); exit 3'
echo "strace that answers $?"
gdb -q -batch -ex run -ex 'print $_exitcode' --args sh -c 'echo in gdb; exit 4' 2>/dev/null | grep -x 'in gdb\|\$1 = 04\|\$1 = 4'
if perf record -q -e cpu-clock -o perf.data true 2>/dev/null; then
	perf record -q -e cpu-clock -o perf.data perl -e 'my %h; $h{$_ % 100} .= $_ for 1 .. 2000; print length($h{7}), qq(\n)'
	echo "perf $?"
fi
