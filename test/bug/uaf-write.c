// expect: kind=use-after-free access=WRITE bytes=BYTES offset=AT block=SIZE moved=no status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// each: byte SIZE=1 AT=0 TYPE=uint8_t BYTES=1: the smallest block there is
// each: small SIZE=24 AT=16 TYPE=uint64_t BYTES=8: the last word of the smallest common block
// each: medium SIZE=5000 AT=4096 TYPE=uint32_t BYTES=4: the second page is dead too
// each: large SIZE=300000 AT=299998 TYPE=uint16_t BYTES=2: the last bytes of a large block
// each: huge SIZE=67108864 AT=67108863 TYPE=uint8_t BYTES=1: the very last byte of a huge block
// A field written after free.
#include "bug.h"

NOINLINE static void *make(void)
{
	void *p = malloc(SIZE);

	HIDE(p);
	memset(p, 1, SIZE);
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
	volatile TYPE *field = (TYPE *)((char *)p + AT);

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
