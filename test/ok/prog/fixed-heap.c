// A program that keeps its heap at a fixed place, as clisp does from 16 TB on: it must be free.
// host-only: in ring 0 aliases begin there
#include "ok.h"

int main(void)
{
	uintptr_t lo = 0x100000000000, hi = 0x200000000000;
	char *p;

	free(malloc(100));
	p = mmap((void *)lo, hi - lo, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	check(p == (char *)lo);
	check(p != MAP_FAILED && !mprotect(p + (hi - lo) - 4096, 4096, PROT_READ | PROT_WRITE));
	if (p != MAP_FAILED)
		p[hi - lo - 1] = 1;
	free(malloc(100000));
	return done();
}
