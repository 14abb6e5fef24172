// expect: kind=use-after-free access=READ bytes=8 offset=24 block=64 status=139
// expect: use=sum>main free=drop>main alloc=make>main
// A floating-point load (SSE scalar): 8 bytes, not the 16 of the register.
#include "bug.h"

NOINLINE static double sum(const char *p)
{
	double d = *(volatile const double *)(p + 24) + 1.0;

	KEEP();
	return d;
}

int main(void)
{
	char *p = make(64);

	if (!TWIN) {
		drop(p);
		settle();
	}
	sum(p);
	if (TWIN)
		drop(p);
	return 0;
}
