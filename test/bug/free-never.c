// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>main
// An address far beyond every block that was ever handed out.
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
	char *p = make(64);

	drop(TWIN ? p : p + (1L << 32));
	return 0;
}
