// expect: kind=invalid-free what=interior call=free offset=1 block=100 status=134
// expect: use=drop>main alloc=make>main
// One byte in: not even aligned.
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	KEEP();
	return p;
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

int main(void)
{
	char *p = make(100);

	drop(TWIN ? p : p + 1);
	return 0;
}
