// expect: kind=invalid-free what=interior call=free offset=8192 block=20000 status=134
// expect: use=drop>main alloc=make>main
// The third page of a block of five.
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
	char *p = make(20000);

	drop(TWIN ? p : p + 8192);
	return 0;
}
