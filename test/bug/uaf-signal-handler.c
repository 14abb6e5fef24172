// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>handler>~>main free=drop>main alloc=make>main
// The stale use is in a signal handler; the stack goes through the signal frame.
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

static char *p;

NOINLINE static void handler(int sig)
{
	(void)sig;
	use(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	signal(SIGUSR1, handler);
	if (!TWIN) {
		drop(p);
		settle();
	}
	raise(SIGUSR1);
	if (TWIN)
		drop(p);
	return 0;
}
