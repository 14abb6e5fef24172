// expect: kind=double-free call=realloc offset=0 block=40 status=134
// expect: use=grow>main free=drop>main alloc=make>main
// realloc of a dead block.
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
	char *p = make(40);

	if (!TWIN)
		drop(p);
	free(grow(p, 100));
	return 0;
}
