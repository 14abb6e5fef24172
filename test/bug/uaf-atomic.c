// expect: kind=use-after-free access=WRITE bytes=8 offset=8 block=16 status=139
// expect: use=bump>main free=drop>main alloc=make>main
// kvm: access=*
// A locked read-modify-write: it is reported as the write that it is.
#include "bug.h"

NOINLINE static void bump(char *p)
{
	__atomic_add_fetch((long *)(p + 8), 1, __ATOMIC_SEQ_CST);
	KEEP();
}

int main(void)
{
	char *p = make(16);

	if (!TWIN) {
		drop(p);
		settle();
	}
	bump(p);
	if (TWIN)
		drop(p);
	return 0;
}
