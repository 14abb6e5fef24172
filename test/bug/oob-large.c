// expect: kind=out-of-bounds access=WRITE bytes=1 what=past offset=4100000 block=4000000 status=139
// expect: use=use>main alloc=make>main
// host-only: what lies behind it
// Behind the last page of a large block, in the addresses that are kept free for it.
#include "bug.h"

NOINLINE static void use(volatile char *p)
{
	*p = 1;
	KEEP();
}

int main(void)
{
	char *p = make(4000000);

	use(p + (TWIN ? 3999999 : 4100000));
	free(p);
	return 0;
}
