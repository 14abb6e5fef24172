// expect: kind=use-after-free access=WRITE bytes=8 offset=8 block=3000 status=139
// expect: use=use_there>third free=drop>second alloc=make>first threads=alloc:a,free:b,use:c
// Three threads: one allocates, one frees, one writes; all named apart.
#include "bug.h"

NOINLINE static void use_there(char *p)
{
	*(volatile long *)(p + 8) = 1;
	KEEP();
}

NOINLINE static void *first(void *p)
{
	p = make(3000);
	KEEP();
	return p;
}

NOINLINE static void *second(void *p)
{
	drop(p);
	settle();
	return p;
}

NOINLINE static void *third(void *p)
{
	use_there(p);
	KEEP();
	return p;
}

int main(void)
{
	char *p = in_thread(first, NULL);

	if (!TWIN)
		in_thread(second, p);
	in_thread(third, p);
	if (TWIN)
		in_thread(second, p);
	return 0;
}
