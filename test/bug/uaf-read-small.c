// expect: kind=use-after-free access=READ bytes=4 offset=8 block=40 moved=no status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// A field of a small struct, read after free.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(40);

	HIDE(p);
	memset(p, 1, 40);
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
	volatile uint32_t *field = (uint32_t *)((char *)p + 8);

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
