// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=55
// expect: use=look>main free=drop>main alloc=make>main
// The program has a SIGSEGV handler that exits: the finding is printed first, then it runs.
// A handler of the program's own does not silence a finding.
#include "bug.h"

NOINLINE static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	_exit(sig == SIGSEGV && si->si_addr ? 55 : 56);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	char *p = make(40);

	sigaction(SIGSEGV, &sa, NULL);
	if (!TWIN) {
		drop(p);
		settle();
	}
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
