// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>main alloc=make>main
// settle: test: a number in a small block: it is filled, and no pointer
// reports: 2
// A vfork child erred and died; later the parent errs as well and is told too.
#include "bug.h"

int main(void)
{
	char *p = make(40);
	pid_t pid;

	if (!TWIN) {
		drop(p);
		settle();
	}
	pid = vfork();
	if (!pid) {
		look(p);
		_exit(0);
	}
	if (verdict_of(pid) != (TWIN ? 0 : SAW_SEGV))
		return 3;
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
