// expect: kind=use-after-free access=WRITE bytes=* offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// strcpy into a freed buffer.
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	p[size - 1] = 0;
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static int use(char *p)
{
	int r;

	HIDE(p);
	r = *strcpy(p, "hello") == 0;
	KEEP();
	return r;
}

int main(void)
{
	char *p = make(64);
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(p);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
