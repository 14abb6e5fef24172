// expect: kind=use-after-free access=READ bytes=1 what=dead offset=-16 block=136 status=139
// expect: use=use>main free=drop>main alloc=make>main
// host-only: the next malloc's header is there
// Before the block that was freed, where a header would be.
#include "bug.h"

NOINLINE static int use(volatile char *p)
{
	int c = *p;

	KEEP();
	return c;
}

int main(void)
{
	char *p = NULL;

	/* Not one that begins with its page. */
	for (int i = 0; i < 16 && (!p || ((size_t)p & 4095) < 16); i++)
		p = make(136);
	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p - (TWIN ? 0 : 16));
	if (TWIN)
		drop(p);
	return 0;
}
