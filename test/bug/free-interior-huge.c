// expect: kind=invalid-free what=interior call=free offset=2097152 block=16777216 status=134
// expect: use=drop>main alloc=make>main
// 2 MB inside a huge block.
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
	char *p = make(16777216);

	drop(TWIN ? p : p + 2097152);
	return 0;
}
