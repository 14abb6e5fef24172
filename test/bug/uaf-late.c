// expect: kind=use-after-free access=READ bytes=1 offset=8 block=56 status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// options: no-poison
// A million other allocations between the free and the use. (Nobody writes there: to fill it would be all of the time.)
#include "bug.h"

int main(void)
{
	char *p = make(56);
	int i;

	if (!TWIN)
		drop(p);
	for (i = 0; i < 1000000; i++) {
		char *q = malloc(i % 200);

		HIDE(q);
		free(q);
	}
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
