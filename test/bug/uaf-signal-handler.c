// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>handler>~>main free=drop>main alloc=make>main
// The stale use is in a signal handler; the stack goes through the signal frame.
#include "bug.h"

static char *p;

NOINLINE static void handler(int sig)
{
	(void)sig;
	look(p);
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
