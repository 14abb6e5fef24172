// expect: kind=use-after-free access=WRITE bytes=8 offset=72 block=80 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// reallocarray of nothing is an allocation.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = reallocarray(NULL, 10, 8);

	HIDE(p);
	memset(p, 1, 80);
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
	volatile uint64_t *field = (uint64_t *)((char *)p + 72);

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
