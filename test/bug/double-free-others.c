// expect: kind=double-free call=free offset=0 block=300 status=134
// expect: use=drop>third free=drop>second alloc=make>main threads=alloc:a,free:b,use:c
// Freed by two threads, neither of which allocated it.
#include "bug.h"

NOINLINE static void *second(void *p)
{
	drop(p);
	KEEP();
	return p;
}

NOINLINE static void *third(void *p)
{
	drop(make(300)); /* it is known as an owner of blocks, but not of this one */
	drop(p);
	KEEP();
	return p;
}

int main(void)
{
	char *p = make(300);

	if (!TWIN)
		in_thread(second, p);
	in_thread(third, p);
	return 0;
}
