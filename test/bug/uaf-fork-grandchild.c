// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=use>family free=drop>main alloc=make>main
// Two generations later the block is still dead.
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

NOINLINE static int family(char *p, int depth)
{
	pid_t pid;

	if (depth == 0) {
		use(p);
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
