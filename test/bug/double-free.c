// expect: kind=double-free call=free offset=0 block=SIZE moved=no status=134
// expect: use=drop_again>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// each: small SIZE=40
// each: medium SIZE=3000: most of a page
// each: large SIZE=200000
// each: huge SIZE=33554432: its memory went back to the system
// The plain double free.
#include "bug.h"

NOINLINE static void drop_again(void *p)
{
	free(p);
	KEEP();
}

int main(void)
{
	void *p = make(SIZE);

	if (!TWIN)
		drop(p);
	drop_again(p);
	return 0;
}
