// expect: kind=double-free call=free offset=0 block=40 status=134
// expect: use=drop>handler free=drop>main alloc=make>main
// The second free is in a signal handler.
#include "bug.h"

static char *p;

NOINLINE static void handler(int sig)
{
	(void)sig;
	drop(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	signal(SIGUSR1, handler);
	if (!TWIN)
		drop(p);
	raise(SIGUSR1);
	return 0;
}
