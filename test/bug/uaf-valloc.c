// expect: kind=use-after-free access=READ bytes=1 offset=4 block=5 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// valloc: the size is what was asked for, not the page.
#include "bug.h"
#include <malloc.h>

NOINLINE static void *make(void)
{
	void *p = valloc(5);

	HIDE(p);
	memset(p, 1, 5);
	KEEP();
	return p;
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

NOINLINE static void use(void *p)
{
	volatile uint8_t *field = (uint8_t *)((char *)p + 4);

	(void)*field;
	KEEP();
}

int main(void)
{
	void *p = make();

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
