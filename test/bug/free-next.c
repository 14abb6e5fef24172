// only: pages
// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>main
// The neighbour that malloc will hand out next, in the page that it cuts now.
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
	char *p = make(64), *q = make(64);

	drop(TWIN ? p : q + 64);
	return 0;
}
