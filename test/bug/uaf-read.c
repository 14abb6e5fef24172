// expect: kind=use-after-free access=READ bytes=BYTES offset=AT block=SIZE moved=no status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// each: small SIZE=40 AT=8 TYPE=uint32_t BYTES=4: a field of a small struct
// each: last-byte SIZE=17 AT=16 TYPE=uint8_t BYTES=1: of a block of odd size
// each: medium SIZE=3000 AT=2998 TYPE=uint16_t BYTES=2: the end of a block of less than a page
// each: run SIZE=20000 AT=12288 TYPE=uint8_t BYTES=1: the fourth page of a block of five
// each: large SIZE=100000 AT=65536 TYPE=uint64_t BYTES=8: the middle of a block of many pages
// each: huge SIZE=16777216 AT=8388608 TYPE=uint64_t BYTES=8: and of several huge pages
// A field read after free.
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

	(void)*field;
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
