// expect: kind=use-after-free access=WRITE bytes=1 offset=67108863 block=67108864 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The very last byte of a huge block.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(67108864);

	HIDE(p);
	memset(p, 1, 67108864);
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
	volatile uint8_t *field = (uint8_t *)((char *)p + 67108863);

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
