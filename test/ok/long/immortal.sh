# 50 million allocations of which one in 512 is immortal, in a program that has used up all mappings but 3,000: with the
# machine's vm.max_map_count, then with one of 8,000, where it may be set; and heaps under vm.overcommit_memory=2.
# timeout: 3600
# profiles: production
# findings: yes
# native: no
vm=/proc/sys/vm
maps=$(cat $vm/max_map_count)
over=$(cat $vm/overcommit_memory)
back() {
	echo "$maps" >$vm/max_map_count
	echo "$over" >$vm/overcommit_memory
}
failed=
run() {
	echo "$1"
	shift
	"$@" || failed=1
}
export SIZE=full
run "vm.max_map_count as it is" "$PROG/limit-maps"
if [ -w $vm/max_map_count ] && [ -w $vm/overcommit_memory ]; then
	trap back EXIT
	echo 8000 >$vm/max_map_count
	run "vm.max_map_count 8000" "$PROG/limit-maps"
	echo "$maps" >$vm/max_map_count
	echo 2 >$vm/overcommit_memory
	run "vm.overcommit_memory 2" "$PROG/limit-memory"
	run "malloc_trim" "$PROG/memory-trim"
	run "fork" perl -e 'my @a = map { "x" x 1000 } 1 .. 50000; exit system("/bin/true")'
fi
[ -z "$failed" ]
