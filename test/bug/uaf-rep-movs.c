// expect: kind=use-after-free access=WRITE bytes=* offset=0 block=64 status=139
// expect: use=copy>main free=drop>main alloc=make>main
// A string instruction into a dead block: one element, or as the report says; the offset counts.
#include "bug.h"

NOINLINE static void copy(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	KEEP();
}

int main(void)
{
	static const char src[64] = "source";
	char *p = make(64);

	if (!TWIN) {
		drop(p);
		settle();
	}
	copy(p, src, sizeof(src));
	if (TWIN)
		drop(p);
	return 0;
}
