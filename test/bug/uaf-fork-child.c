// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>child free=drop>main alloc=make>main
// Freed before fork, used in the child; the parent goes on and sees SIGSEGV.
#include "bug.h"

NOINLINE static int child(char *p)
{
	look(p);
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
