// expect: kind=use-after-free access=READ bytes=1 offset=12288 block=20000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The fourth page of a block of five.
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

NOINLINE static void use(char *p)
{
	(void)*(volatile char *)(p + 12288);
	KEEP();
}

int main(void)
{
	char *p = make(20000);

	if (!TWIN)
		drop(p);
	settle();
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
