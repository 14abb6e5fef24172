// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>other free=drop>main alloc=make>main threads=alloc:a,free:a,use:b
// Used by another thread.
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

NOINLINE static void *other(void *p)
{
	use(p);
	KEEP();
	return NULL;
}

int main(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	in_thread(other, p);
	if (TWIN)
		drop(p);
	return 0;
}
