// expect: kind=use-after-free access=READ bytes=32 offset=32 block=256 status=139
// expect: use=load>main free=drop>main alloc=make>main
// needs: avx
// A 32-byte vector load.
#include "bug.h"
#include <immintrin.h>

__attribute__((target("avx"))) NOINLINE static int load(const char *p)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(p + 32));

	__asm__ volatile("" ::"x"(v));
	KEEP();
	return 0;
}

int main(void)
{
	char *p = make(256);

	if (!TWIN) {
		drop(p);
		settle();
	}
	load(p);
	if (TWIN)
		drop(p);
	return 0;
}
