// expect: kind=use-after-free access=READ bytes=1 offset=16 block=17 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The last byte of a block of odd size.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(17);

	HIDE(p);
	memset(p, 1, 17);
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
	volatile uint8_t *field = (uint8_t *)((char *)p + 16);

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
