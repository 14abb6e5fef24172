// expect: kind=use-after-free access=READ bytes=1 offset=8 block=56 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// options: no-poison
// A million other allocations between the free and the use. (Nobody writes there: to fill it would be all of the time.)
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

int main(void)
{
	char *p = make(56);
	int i;

	if (!TWIN)
		drop(p);
	for (i = 0; i < 1000000; i++) {
		char *q = malloc(i % 200);

		HIDE(q);
		free(q);
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
