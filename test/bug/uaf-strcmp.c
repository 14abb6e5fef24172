// expect: kind=use-after-free access=READ bytes=* offset=0 block=32 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// strcmp with a freed string.
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
	r = strcmp(p, "other") == 0;
	KEEP();
	return r;
}

int main(void)
{
	char *p = make(32);
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
