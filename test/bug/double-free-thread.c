// expect: kind=double-free call=free offset=0 block=40 status=134
// expect: use=drop>main free=drop>other alloc=make>main threads=alloc:a,free:b,use:a
// Freed by a thread and again by main.
#include "bug.h"

NOINLINE static void *other(void *p)
{
	drop(p);
	KEEP();
	return NULL;
}

int main(void)
{
	char *p = make(40);

	if (!TWIN)
		in_thread(other, p);
	drop(p);
	return 0;
}
