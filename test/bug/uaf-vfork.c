// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>~ free=drop>main alloc=make>main
// The stale use is in a vfork child, in the parent's own memory; only the child dies.
#include "bug.h"

int main(void)
{
	char *p = make(40);
	pid_t pid;
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	pid = vfork();
	if (!pid) {
		look(p);
		_exit(0);
	}
	r = verdict_of(pid);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
