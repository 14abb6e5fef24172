// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>main free=grow>main alloc=make>main moved=yes
// The old pointer after realloc moved the block.
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

NOINLINE static char *grow(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(40), *q = grow(p, 100000);

	settle();
	use(TWIN ? q : p);
	if (q[39] != 'x')
		return 3;
	free(q);
	return 0;
}
