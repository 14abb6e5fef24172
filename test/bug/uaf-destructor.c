// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>late free=drop>main alloc=make>main
// A destructor function, after atexit's: protection lasts to the very end.
#include "bug.h"

static char *p;

__attribute__((destructor)) NOINLINE static void late(void)
{
	look(p);
	if (TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	p = make(40);
	if (!TWIN) {
		drop(p);
		settle();
	}
	return 0;
}
