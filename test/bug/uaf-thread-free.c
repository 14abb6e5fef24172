// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>other alloc=make>main threads=alloc:a,free:b,use:a
// Freed by another thread, which is gone when the block is used.
#include "bug.h"

NOINLINE static void *other(void *p)
{
	drop(p);
	settle();
	return NULL;
}

NOINLINE static void *nothing(void *p)
{
	return p;
}

int main(void)
{
	char *p = make(40);

	in_thread(TWIN ? nothing : other, p);
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
