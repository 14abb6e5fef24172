// expect: kind=use-after-free access=ACCESS bytes=BYTES offset=AT block=SIZE moved=no status=139
// expect: use=use>main free=drop>main alloc=allocate>main threads=alloc:a,free:a,use:a
// each: read-small SIZE=40 AT=8 TYPE=uint32_t BYTES=4 ACCESS=READ: a field of a small struct
// each: read-last-byte SIZE=17 AT=16 TYPE=uint8_t BYTES=1 ACCESS=READ: of a block of odd size
// each: read-medium SIZE=3000 AT=2998 TYPE=uint16_t BYTES=2 ACCESS=READ: the end of a block of less than a page
// each: read-run SIZE=20000 AT=12288 TYPE=uint8_t BYTES=1 ACCESS=READ: the fourth page of a block of five
// each: read-large SIZE=100000 AT=65536 TYPE=uint64_t BYTES=8 ACCESS=READ: the middle of a block of many pages
// each: read-huge SIZE=16777216 AT=8388608 TYPE=uint64_t BYTES=8 ACCESS=READ: and of several huge pages
// each: write-byte SIZE=1 AT=0 TYPE=uint8_t BYTES=1 ACCESS=WRITE: the smallest block there is
// each: write-small SIZE=24 AT=16 TYPE=uint64_t BYTES=8 ACCESS=WRITE: the last word of the smallest common block
// each: write-medium SIZE=5000 AT=4096 TYPE=uint32_t BYTES=4 ACCESS=WRITE: the second page is dead too
// each: write-large SIZE=300000 AT=299998 TYPE=uint16_t BYTES=2 ACCESS=WRITE: the last bytes of a large block
// each: write-huge SIZE=67108864 AT=67108863 TYPE=uint8_t BYTES=1 ACCESS=WRITE: the very last byte of a huge block
// each: calloc HOW=CALLOC SIZE=800 AT=0 TYPE=uint64_t BYTES=8 ACCESS=READ: the size of the block is the product
// each: valloc HOW=VALLOC SIZE=5 AT=4 TYPE=uint8_t BYTES=1 ACCESS=READ: the size is what was asked for, not the page
// each: aligned HOW=ALIGNED SIZE=8192 AT=4100 TYPE=uint32_t BYTES=4 ACCESS=WRITE: a page-aligned block
// each: reallocarray HOW=REALLOCARRAY SIZE=80 AT=72 TYPE=uint64_t BYTES=8 ACCESS=WRITE: of nothing is an allocation
// A field read or written after free; the first ways to allocate.
#include "bug.h"
#include <malloc.h>

#define MALLOC	     malloc(SIZE)
#define CALLOC	     calloc(SIZE / 8, 8)
#define VALLOC	     valloc(SIZE)
#define ALIGNED	     aligned_alloc(4096, SIZE)
#define REALLOCARRAY reallocarray(NULL, SIZE / 8, 8)
#ifndef HOW
#define HOW MALLOC
#endif

#define READ(field)  (void)*(field)
#define WRITE(field) *(field) = 5

NOINLINE static void *allocate(void)
{
	void *p = HOW;

	HIDE(p);
	memset(p, 1, SIZE);
	KEEP();
	return p;
}

NOINLINE static void use(void *p)
{
	volatile TYPE *field = (TYPE *)((char *)p + AT);

	ACCESS(field);
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
