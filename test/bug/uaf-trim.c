// expect: kind=use-after-free access=READ bytes=1 offset=8 block=4000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// malloc_trim gives memory back, never an address.
#include "bug.h"
#include <malloc.h>

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
	char *p = make(4000), *q;

	if (!TWIN) {
		drop(p);
		settle();
	}
	malloc_trim(0);
	q = make(4000);
	use(p);
	if (TWIN)
		drop(p);
	drop(q);
	return 0;
}
