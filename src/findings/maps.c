/*
 * maps.c - see maps.h. app context, any thread, signal handlers too.
 */
#include "maps.h"
#include "base/base.h"

#include <sys/mman.h>

/* Whole pages, as the kernel takes them. */
static void tell(long at, long len)
{
	vaddr_t lo = (vaddr_t)at & PAGE_MASK, hi = (vaddr_t)at + (vaddr_t)len;

	if (likely(lo >= space.end || hi <= space.base || hi < lo))
		return;
	block_source->own(MAX(lo, space.base), MIN(ALIGN_UP(hi, PAGE_SIZE), space.end));
}

void maps_before(long nr, const long *a)
{
	switch (nr) {
	case __NR_mmap:
		if (a[3] & MAP_FIXED)
			tell(a[0], a[1]);
		break;
	case __NR_mremap:
		tell(a[0], a[1]);
		if (a[3] & MREMAP_FIXED)
			tell(a[4], a[2]);
		break;
	case __NR_munmap:
	case __NR_mprotect:
	case __NR_pkey_mprotect:
	case __NR_madvise:
	case __NR_mlock:
	case __NR_mlock2:
		tell(a[0], a[1]);
	}
}
