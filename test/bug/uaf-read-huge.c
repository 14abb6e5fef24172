// expect: kind=use-after-free access=READ bytes=8 offset=8388608 block=16777216 moved=no status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The middle of a block of several huge pages.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(16777216);

	HIDE(p);
	memset(p, 1, 16777216);
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
	volatile uint64_t *field = (uint64_t *)((char *)p + 8388608);

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
