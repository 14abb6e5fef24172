// expect: kind=use-after-free access=WRITE bytes=4 offset=4096 block=5000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// A block of more than a page: its second page is dead too.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(5000);

	HIDE(p);
	memset(p, 1, 5000);
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
	volatile uint32_t *field = (uint32_t *)((char *)p + 4096);

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
