// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>family free=drop>main alloc=make>main
// Two generations later the block is still dead.
#include "bug.h"

NOINLINE static int family(char *p, int depth)
{
	pid_t pid;

	if (depth == 0) {
		look(p);
		return 0;
	}
	drop(make(500));
	pid = fork();
	if (!pid)
		_exit(family(p, depth - 1));
	return verdict_of(pid);
}

int main(void)
{
	char *p = make(40);
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = family(p, 2);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
