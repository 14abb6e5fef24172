// expect: kind=use-after-free access=READ bytes=1 offset=3 block=100 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// host-only: --sample is of the host backend
// options: sample=1
// sampled:
// A block that is sampled is dead at once, in every mode, and its stacks are kept.
#include "bug.h"

NOINLINE static char use(volatile char *p)
{
	char c = *p;

	KEEP();
	return c;
}

int main(void)
{
	char *p = make(100);

	if (!TWIN)
		drop(p);
	use(p + 3);
	if (TWIN)
		drop(p);
	return 0;
}
