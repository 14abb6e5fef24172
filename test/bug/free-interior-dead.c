// expect: kind=invalid-free what=dead call=free offset=16 block=64 status=134
// expect: use=drop>main free=drop>main alloc=make>main
// Inside a block that is already dead.
#include "bug.h"

int main(void)
{
	char *p = make(64);

	drop(p);
	if (!TWIN)
		drop(p + 16);
	return 0;
}
