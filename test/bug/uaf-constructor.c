// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>early free=drop>early alloc=make>early
// All of it before main.
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

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

__attribute__((constructor)) NOINLINE static void early(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	return 0;
}
