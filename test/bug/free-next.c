// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>main
// host-only: the next malloc's blocks need not be in order
// The neighbour that malloc will hand out next.
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

	drop(TWIN ? p : q + (q - p));
	return 0;
}
