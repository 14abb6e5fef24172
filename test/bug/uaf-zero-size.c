// expect: kind=use-after-free access=READ bytes=1 offset=0 block=0 status=139
// expect: use=use>main free=drop>main alloc=make>main
// malloc(0) gives a block of its own as well; a stale use of it is named as such.
#include "bug.h"

NOINLINE static int use(volatile char *p)
{
	int c = p[0];

	KEEP();
	return c;
}

int main(void)
{
	char *p = make(0);

	drop(p);
	settle();
	if (!TWIN)
		use(p);
	return 0;
}
