// expect: kind=use-after-free access=READ bytes=2 offset=2998 block=3000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The end of a block of less than a page.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(3000);

	HIDE(p);
	memset(p, 1, 3000);
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
	volatile uint16_t *field = (uint16_t *)((char *)p + 2998);

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
