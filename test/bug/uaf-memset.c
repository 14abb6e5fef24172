// expect: kind=use-after-free access=WRITE bytes=* offset=0 block=5000 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// memset of a freed buffer.
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
	r = *(char *)memset(p, 0, 5000) != 0;
	KEEP();
	return r;
}

int main(void)
{
	char *p = make(5000);
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
