// expect: kind=invalid-free what=interior call=free offset=AT block=SIZE status=134
// expect: use=drop>main alloc=make>main
// each: small SIZE=40 AT=8: a pointer that walked on inside its block
// each: odd SIZE=100 AT=1: not even aligned
// each: shared SIZE=4500 AT=4096: the second page of one of four blocks that share five pages of memory
// each: run SIZE=20000 AT=8192: the third page of a block of five
// each: page SIZE=100000 AT=4096: aligned as a block would be
// each: huge SIZE=16777216 AT=2097152: 2 MB inside
// free of a pointer into the middle of a live block.
#include "bug.h"

int main(void)
{
	char *p = make(SIZE);

	drop(TWIN ? p : p + AT);
	return 0;
}
