// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=use>child free=drop>main alloc=make>main
// Freed before fork, used in the child; the parent goes on and sees SIGSEGV.
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

NOINLINE static int child(char *p)
{
	use(p);
	KEEP();
	return 0;
}

int main(void)
{
	char *p = make(40);
	pid_t pid;
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	pid = fork();
	if (!pid)
		_exit(child(p));
	r = verdict_of(pid);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
