// expect: kind=use-after-free access=WRITE bytes=4 offset=4100 block=8192 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// A page-aligned block.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = aligned_alloc(4096, 8192);

	HIDE(p);
	memset(p, 1, 8192);
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
	volatile uint32_t *field = (uint32_t *)((char *)p + 4100);

	*field = 5;
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
