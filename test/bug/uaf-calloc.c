// expect: kind=use-after-free access=READ bytes=8 offset=0 block=800 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// calloc: the size of the block is the product.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = calloc(100, 8);

	HIDE(p);
	memset(p, 1, 800);
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
	volatile uint64_t *field = (uint64_t *)((char *)p + 0);

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
