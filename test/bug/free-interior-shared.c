// expect: kind=invalid-free what=interior call=free offset=4096 block=4500 status=134
// expect: use=drop>main alloc=make>main
// The second page of one of four blocks that share five pages of memory.
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

int main(void)
{
	char *p = make(4500);

	drop(TWIN ? p : p + 4096);
	return 0;
}
