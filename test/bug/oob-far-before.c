// expect: kind=out-of-bounds access=READ bytes=1 what=before offset=-50000000 block=100 status=139
// expect: use=use>main alloc=make>main
// host-only: how far its addresses reach
// The same to the other side of the first block of all.
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

	use(p - (TWIN ? 0 : 50000000));
	drop(p);
	return 0;
}
