// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>child free=drop>main alloc=make>main
// Freed before fork, used in the child; the parent goes on and sees SIGSEGV. So many blocks live that this
// one is not in private memory.
#include "bug.h"

NOINLINE static int child(char *p)
{
	look(p);
	KEEP();
	return 0;
}

int main(void)
{
	char *p;
	pid_t pid;
	int r;

	for (int i = 0; i < 3000; i++)
		make(40);
	p = make(40);
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
