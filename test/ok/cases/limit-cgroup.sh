# A memory cgroup of 96 MB: a program that allocates and frees 2 GB in all (tiny: 300 MB), 40 MB at a time, stays
# inside it; one that holds too much is killed by the kernel as it would be without us.
# timeout: 90
mkcg() {
	if [ -w /sys/fs/cgroup/cgroup.subtree_control ] && g=$(mktemp -d /sys/fs/cgroup/ok.XXXXXX 2>/dev/null); then
		echo 100663296 >"$g/memory.max" 2>/dev/null && echo 0 >"$g/memory.swap.max"
	elif g=$(mktemp -d /sys/fs/cgroup/memory/ok.XXXXXX 2>/dev/null); then
		echo 100663296 >"$g/memory.limit_in_bytes"
	else
		return 1
	fi
}
# Without one it says so on both sides, and the runs are equal.
mkcg || { echo "no memory cgroup can be made here"; exit 0; }
rounds=50
[ "$SIZE" = tiny ] && rounds=8
cat >t.pl <<'PL'
my $t = 0;
for my $r (1 .. $ARGV[0]) {
	my @a = map { "x" x (400 * ($_ % 5 + 1)) } 1 .. 30000;
	$t += length for @a;
}
print "$t\n";
PL
(echo $BASHPID >"$g/cgroup.procs" && exec perl t.pl $rounds)
echo "status $?"
exec 2>/dev/null
(echo $BASHPID >"$g/cgroup.procs" && exec perl -e '@a = map { "x" x 1000 . $_ } 1 .. 400000; print "too much fits\n"')
echo "status $?"
rmdir "$g"
