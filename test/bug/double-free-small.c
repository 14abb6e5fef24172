// expect: kind=double-free call=free offset=0 block=40 moved=no status=134
// expect: use=drop_again>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The plain double free of a small block.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(40);

	HIDE(p);
	memset(p, 1, 40);
	KEEP();
	return p;
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

NOINLINE static void drop_again(void *p)
{
	free(p);
	KEEP();
}

int main(void)
{
	void *p = make();

	if (!TWIN)
		drop(p);
	drop_again(p);
	return 0;
}
