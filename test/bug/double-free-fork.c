// expect: kind=double-free call=free offset=0 block=40 status=43
// expect: use=drop>child free=drop>main alloc=make>main
// Freed before fork and again in the child.
#include "bug.h"

NOINLINE static void child(char *p)
{
	drop(p);
	KEEP();
}

int main(void)
{
	char *p = make(40);
	pid_t pid;

	if (!TWIN)
		drop(p);
	pid = fork();
	if (!pid) {
		child(p);
		_exit(0);
	}
	return verdict_of(pid);
}
