// expect: kind=use-after-free access=READ bytes=1 offset=8 block=500000 status=139
// expect: use=use>main free=shrink>main alloc=make>main moved=yes
// A realloc to a much smaller size that moves; if it stays in place, the program has no bug.
// moved: the program says by its exit status 7 that realloc kept the address
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

NOINLINE static char *shrink(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(500000), *q;

	HIDE(p);
	q = shrink(p, 16);
	if (q == p && !TWIN)
		return 7;
	settle();
	use(TWIN ? q : p);
	free(q);
	return 0;
}
