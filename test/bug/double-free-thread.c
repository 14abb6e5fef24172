// expect: kind=double-free call=free offset=0 block=40 status=134
// expect: use=drop>main free=drop>other alloc=make>main threads=alloc:a,free:b,use:a
// Freed by a thread and again by main.
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

NOINLINE static void *other(void *p)
{
	drop(p);
	KEEP();
	return NULL;
}

int main(void)
{
	char *p = make(40);

	if (!TWIN)
		in_thread(other, p);
	drop(p);
	return 0;
}
