// expect: kind=use-after-free access=READ bytes=1 offset=2 block=7 status=139
// expect: use=use>main free=drop>main alloc=~copy>main
// A block that libc allocated for us.
#include "bug.h"

NOINLINE static char *copy(const char *s)
{
	char *p = strdup(s);

	HIDE(p);
	return p;
}

NOINLINE static int use(volatile char *p)
{
	int c = p[2];

	KEEP();
	return c;
}

int main(void)
{
	char *p = copy("string");

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
