// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>handler alloc=make>main
// Freed in a signal handler, used by the interrupted code.
#include "bug.h"

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
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
