// expect: kind=use-after-free access=READ bytes=1 offset=8 block=4000 status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// malloc_trim gives memory back, never an address.
#include "bug.h"
#include <malloc.h>

int main(void)
{
	char *p = make(4000), *q;

	if (!TWIN) {
		drop(p);
		settle();
	}
	malloc_trim(0);
	q = make(4000);
	look(p);
	if (TWIN)
		drop(p);
	drop(q);
	return 0;
}
