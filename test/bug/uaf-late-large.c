// expect: kind=use-after-free access=READ bytes=1 offset=8 block=150000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The same with large blocks: 2000 of them came and went.
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
	char *p = make(150000);
	int i;

	if (!TWIN)
		drop(p);
	for (i = 0; i < 2000; i++)
		drop(make(150000));
	settle();
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
