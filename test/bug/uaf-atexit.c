// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>last free=drop>main alloc=make>main
// An atexit function uses what main freed.
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

static char *p;

NOINLINE static void last(void)
{
	use(p);
	if (TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	atexit(last);
	if (!TWIN) {
		drop(p);
		settle();
	}
	return 0;
}
