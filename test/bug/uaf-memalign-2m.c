// expect: kind=use-after-free access=READ bytes=1 offset=50 block=100 status=139
// expect: use=use>main free=drop>main alloc=allocate>main threads=alloc:a,free:a,use:a
// sized: at such an alignment a block has pages of its own
// A small block at a huge alignment.
#include "bug.h"
#include <malloc.h>

NOINLINE static void *allocate(void)
{
	void *p = memalign(2097152, 100);

	HIDE(p);
	memset(p, 1, 100);
	KEEP();
	return p;
}

NOINLINE static void use(void *p)
{
	volatile uint8_t *field = (uint8_t *)((char *)p + 50);

	(void)*field;
	KEEP();
}

int main(void)
{
	void *p = allocate();

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
