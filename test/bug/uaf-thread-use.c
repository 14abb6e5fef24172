// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>other free=drop>main alloc=make>main threads=alloc:a,free:a,use:b
// Used by another thread.
#include "bug.h"

NOINLINE static void *other(void *p)
{
	look(p);
	KEEP();
	return NULL;
}

int main(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	in_thread(other, p);
	if (TWIN)
		drop(p);
	return 0;
}
