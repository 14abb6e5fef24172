# A core has the program's data: of one that aborts, that faults, and of one that lives (gcore). Where nothing is left of a block, the core has nothing either, and it is small.
# needs: gcc gdb gcore
# host-only: in ring 0 the crash is handed back, and kvm-core looks at that
# profiles: strict,deferred,production
plain() { env -u LD_PRELOAD "$@"; }
cat >dies.c <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *text, *keep[3000], *gone[3000];
int main(int argc, char **argv)
{
	text = strcpy(malloc(100), "hello");
	for (int i = 0; i < 3000; i++) {
		keep[i] = memset(calloc(1, 200), 'k', 150);
		gone[i] = memset(calloc(1, 200), 'g', 150);
	}
	for (int i = 0; i < 3000; i++)
		if (argc < 2 || *argv[1] == 'f')
			free(gone[i]);
	switch (argc > 1 ? *argv[1] : 0) {
	case 'f':
		*(volatile char *)8 = 1;
	case 'l':
		open("ready", O_CREAT | O_RDWR, 0600);
		pause();
	}
	abort();
}
C
plain gcc -g -O0 -w -fno-builtin -o dies dies.c || exit 1

look() { # CORE: what gdb says of it
	[ -f "$1" ] || { echo "no core"; return; }
	plain gdb -nx -batch -ex 'print text' -ex 'print keep[0]' -ex 'print keep[1500]' -ex 'print keep[2999]' \
		-ex 'print gone[1]' -ex 'bt' dies "$1" >gdb.out 2>/dev/null
	sed -n 's/^\(\$[1-4] =\) 0x[0-9a-f]*/\1/p; s/^#[0-9]* .*\(main\) .*/\1/p' gdb.out
	[ "$(stat -c %b "$1")" -lt 120000 ] && echo small
	case $UNDANGLE_OPTIONS in
	*detect=strict*) ! grep '^\$5 .*ggg' gdb.out || echo "the dead are in it" ;;
	esac
}

ulimit -c unlimited
for how in aborts faults; do
	rm -f core*
	bash -c "./dies ${how#aborts} >/dev/null; exit \$?" 2>/dev/null
	echo "$how: status $?"
	look "$(echo core*)"
done
./dies lives &
pid=$!
disown
until [ -e ready ]; do sleep 0.1; done
plain gcore -o live $pid >/dev/null 2>&1
echo "gcore: status $?"
kill -9 $pid
look "live.$pid"
