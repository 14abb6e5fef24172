// expect: kind=use-after-free access=WRITE bytes=2 offset=299998 block=300000 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The last bytes of a large block.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(300000);

	HIDE(p);
	memset(p, 1, 300000);
	KEEP();
	return p;
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

NOINLINE static void use(void *p)
{
	volatile uint16_t *field = (uint16_t *)((char *)p + 299998);

	*field = 5;
	KEEP();
}

int main(void)
{
	void *p = make();

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
