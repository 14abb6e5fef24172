// expect: kind=invalid-free what=interior call=free offset=8 block=40 status=134
// expect: use=drop>main alloc=make>main
// A pointer that walked on inside its block.
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
	char *p = make(40);

	drop(TWIN ? p : p + 8);
	return 0;
}
