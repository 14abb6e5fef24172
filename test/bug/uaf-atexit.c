// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>last free=drop>main alloc=make>main
// An atexit function uses what main freed.
#include "bug.h"

static char *p;

NOINLINE static void last(void)
{
	look(p);
	if (TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	atexit(last);
	if (!TWIN) {
		drop(p);
		settle();
	}
	return 0;
}
