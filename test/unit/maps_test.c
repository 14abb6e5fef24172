// sources: src/findings/maps.c
/* Which pages the program is about to change by each system call, as far as they are of ours. */
#include "findings/maps.h"
#include "base/base.h"
#include "unit.h"

#include <sys/mman.h>

#define LO (1UL << 45)
#define HI (LO + (1UL << 40))

struct vspace space = {.base = LO, .end = HI};

static struct {
	vaddr_t lo, hi;
} told[4];
static unsigned ntold;

static void own(vaddr_t lo, vaddr_t hi)
{
	CHECK(ntold < ARRAY_LEN(told));
	told[ntold].lo = lo;
	told[ntold++].hi = hi;
}

static const struct block_source source = {.own = own};
const struct block_source *block_source = &source;

static const struct row {
	long nr, arg[5];
	vaddr_t lo, hi, lo2, hi2; /* 0: not told */
} rows[] = {
	{__NR_munmap, {LO, 4096}, LO, LO + 4096, 0, 0},
	{__NR_munmap, {LO + 5000, 2}, LO + 4096, LO + 8192, 0, 0},
	{__NR_mprotect, {LO - 8192, 1 << 20, PROT_NONE}, LO, LO - 8192 + (1 << 20), 0, 0},
	{__NR_pkey_mprotect, {HI - 4096, 1 << 20}, HI - 4096, HI, 0, 0},
	{__NR_madvise, {LO + 4096, 1, MADV_DONTNEED}, LO + 4096, LO + 8192, 0, 0},
	{__NR_mlock, {LO, 1}, LO, LO + 4096, 0, 0},
	{__NR_mlock2, {LO, 1}, LO, LO + 4096, 0, 0},
	{__NR_mmap, {LO, 4096, PROT_NONE, MAP_FIXED}, LO, LO + 4096, 0, 0},
	{__NR_mmap, {LO, 4096, PROT_NONE, MAP_PRIVATE}, 0, 0, 0, 0},
	{__NR_mremap, {LO, 4096, 8192, MREMAP_MAYMOVE, LO + 8192}, LO, LO + 4096, 0, 0},
	{__NR_mremap, {LO, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, LO + 8192}, LO, LO + 4096,
		LO + 8192, LO + 16384},
	{__NR_mremap, {4096, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, LO}, LO, LO + 4096, 0, 0},
	{__NR_munmap, {LO - 4096, 4096}, 0, 0, 0, 0},
	{__NR_munmap, {HI, 4096}, 0, 0, 0, 0},
	{__NR_munmap, {LO + 8192, -4096}, 0, 0, 0, 0},
	{__NR_read, {LO, 4096}, 0, 0, 0, 0},
};

static void what_is_changed(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		ntold = 0;
		maps_before(r->nr, r->arg);
		CHECK_EQ(ntold, (r->lo != 0) + (r->lo2 != 0));
		CHECK(!r->lo || (told[0].lo == r->lo && told[0].hi == r->hi));
		CHECK(!r->lo2 || (told[1].lo == r->lo2 && told[1].hi == r->hi2));
	}
}

int main(void)
{
	RUN(what_is_changed);
	return UNIT_END();
}
