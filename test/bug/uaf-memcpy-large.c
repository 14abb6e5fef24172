// expect: kind=use-after-free access=READ bytes=* offset=* block=1048576 status=139
// expect: use=~copy>main free=drop>main alloc=make>main
// memcpy of 1 MB from a freed block: wherever libc's copy begins, it is inside the block.
#include "bug.h"

NOINLINE static void copy(char *to, const char *from, size_t n)
{
	HIDE(n);
	memcpy(to, from, n);
	KEEP();
}

int main(void)
{
	char *p = make(1048576), *q = make(1048576);

	if (!TWIN) {
		drop(p);
		settle();
	}
	copy(q, p, 1048576);
	if (TWIN)
		drop(p);
	drop(q);
	return 0;
}
