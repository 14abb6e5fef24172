// expect: kind=double-free call=free offset=0 block=40 status=134
// expect: use=drop>main free=grow>main alloc=make>main moved=yes
// free of the old pointer after realloc moved the block.
#include "bug.h"

NOINLINE static char *grow(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(40), *q = grow(p, 100000);

	drop(TWIN ? q : p);
	return 0;
}
