// expect: kind=use-after-free call=malloc_usable_size what=dead offset=0 block=88 status=134
// expect: use=use>main free=drop>main alloc=make>main
// The size of a block that is gone: a use, and nothing is freed.
#include "bug.h"

#include <malloc.h>

NOINLINE static size_t use(void *p)
{
	size_t n = malloc_usable_size(p);

	KEEP();
	return n;
}

int main(void)
{
	char *p = make(88);
	size_t n;

	if (!TWIN)
		drop(p);
	n = use(p);
	if (TWIN)
		drop(p);
	return n < 88;
}
