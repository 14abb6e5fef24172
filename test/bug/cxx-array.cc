// expect: kind=use-after-free access=READ bytes=8 offset=392 block=400 status=139
// expect: use=use>main free=~drop>main alloc=~make>main
// new[] and delete[].
#include "bug.h"

extern "C" NOINLINE long *make()
{
	long *p = new long[50]();

	HIDE(p);
	return p;
}

extern "C" NOINLINE void drop(long *p)
{
	delete[] p;
	KEEP();
}

extern "C" NOINLINE long use(volatile long *p)
{
	long v = p[49];

	KEEP();
	return v;
}

int main()
{
	long *p = make();

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
