// expect: kind=use-after-free access=READ bytes=* offset=0 block=40 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// strlen of a freed string: the fault is inside libc, the caller is named.
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
	r = strlen(p) > 1000;
	KEEP();
	return r;
}

int main(void)
{
	char *p = make(40);
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
