# A heap of more than half of a memory cgroup forks and runs another program: the child's memory is its parent's
# until one of them writes. (In the rows' modes a fork copies.)
# profiles: production
# not-tiny: 160 MB
if [ -w /sys/fs/cgroup/cgroup.subtree_control ] && g=$(mktemp -d /sys/fs/cgroup/fork.XXXXXX 2>/dev/null); then
	echo 314572800 >"$g/memory.max" 2>/dev/null && echo 0 >"$g/memory.swap.max"
elif g=$(mktemp -d /sys/fs/cgroup/memory/fork.XXXXXX 2>/dev/null); then
	echo 314572800 >"$g/memory.limit_in_bytes"
else
	echo "no memory cgroup can be made here"
	exit 0
fi
(echo $BASHPID >"$g/cgroup.procs" && exec perl -e '
	my @a = map { "x" x 1000 . $_ } 1 .. 150000;
	print "ran: ", system("/bin/true"), "\n" for 1 .. 3;
	print scalar(@a), "\n"')
echo "status $?"
rmdir "$g"
