// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 moved=no status=139
// expect: use=look>main free=shrink>main alloc=make>main
// realloc(p, 0) frees.
#include "bug.h"

NOINLINE static char *shrink(char *p, size_t size)
{
	char *q;

	HIDE(size);
	q = realloc(p, size);
	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(40), *q;

	if (TWIN)
		look(p);
	q = shrink(p, 0);
	settle();
	if (!TWIN)
		look(p);
	return q != NULL;
}
