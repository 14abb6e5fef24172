// expect: kind=double-free call=free offset=0 block=48 status=134
// expect: use=drop_again>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// options: no-poison
// A million allocations later the block is still known.
#include "bug.h"

NOINLINE static void drop_again(void *p)
{
	free(p);
	KEEP();
}

int main(void)
{
	void *p = make(48);

	if (!TWIN)
		drop(p);
	for (int i = 0; i < 1000000; i++) {
		void *q = malloc(i % 200);

		HIDE(q);
		free(q);
	}
	drop_again(p);
	return 0;
}
