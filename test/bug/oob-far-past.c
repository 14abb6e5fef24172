// expect: kind=out-of-bounds access=READ bytes=1 what=past offset=268435456 block=100 status=139
// expect: use=use>main alloc=make>main
// host-only: how far its addresses reach
// An index far beyond a live block, where nothing ever was: nothing was freed.
#include "bug.h"

NOINLINE static int use(volatile char *p)
{
	int c = *p;

	KEEP();
	return c;
}

int main(void)
{
	char *p = make(100);

	use(p + (TWIN ? 0 : 1L << 28));
	drop(p);
	return 0;
}
