// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>main free=drop>handler alloc=make>main
// Freed in a signal handler, used by the interrupted code.
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
	if (!TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	settle();
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
