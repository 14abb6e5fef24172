// expect: kind=invalid-free what=interior call=free offset=4096 block=100000 status=134
// expect: use=drop>main alloc=make>main
// A page inside a large block: aligned as a block would be.
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
	char *p = make(100000);

	drop(TWIN ? p : p + 4096);
	return 0;
}
