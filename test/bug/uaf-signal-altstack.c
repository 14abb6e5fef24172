// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>handler free=drop>main alloc=make>main
// The same on an alternate stack, which is itself a malloc'ed block.
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
	stack_t ss = {.ss_size = 65536};
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	ss.ss_sp = malloc(ss.ss_size);
	p = make(40);
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	if (!TWIN) {
		drop(p);
		settle();
	}
	raise(SIGUSR1);
	if (TWIN)
		drop(p);
	return 0;
}
