// expect: kind=use-after-free access=READ bytes=4 offset=8 block=40 moved=no status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// only: adaptive,bare
// A place that frees for the first time, after another one has used up all that the budget gives.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(40);

	HIDE(p);
	memset(p, 1, 40);
	KEEP();
	return p;
}

NOINLINE static void busy(void)
{
	for (int i = 0; i < 300000; i++) {
		void *p = malloc(64);

		HIDE(p);
		free(p);
	}
	KEEP();
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

NOINLINE static void use(void *p)
{
	(void)*(volatile uint32_t *)((char *)p + 8);
	KEEP();
}

int main(void)
{
	void *p = make();

	busy();
	if (!TWIN)
		drop(p);
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
