// sources: src/kvm/vpages.c
/* The virtual page allocator: never the same address twice, never what is mapped. */
#include "unit.h"
#include "kvm/vpages.h"

static uint64_t pml4[512];
static struct vpages v;
static unsigned long reserved[4];
static int refuse = -1;

static int reserve(void *ctx, vaddr_t lo)
{
	unsigned i = (unsigned)(lo >> VPAGES_SLOT_SHIFT);

	CHECK_EQ(lo & (VPAGES_SLOT - 1), 0);
	if ((int)i == refuse)
		return -17;
	reserved[i / 64] |= 1UL << (i % 64);
	return 0;
}

static void init(uint64_t limit)
{
	memset(pml4, 0, sizeof(pml4));
	memset(reserved, 0, sizeof(reserved));
	pml4[0] = pml4[254] = pml4[255] = 0x200001027;
	refuse = -1;
	vpages_init(&v, 1, pml4, reserve, NULL, limit);
}

static void grains_are_fresh(void)
{
	vaddr_t a, last = 0;
	int i;

	init(0);
	for (i = 0; i < 300000; i++) {
		a = vpages_take(&v, HUGE_SIZE, HUGE_SIZE);
		CHECK(a > last || !last);
		CHECK_EQ(a & (HUGE_SIZE - 1), 0);
		CHECK(vpages_owns(&v, a));
		last = a;
	}
	CHECK(reserved[0] == 6); /* entries 1 and 2 */
	CHECK(!vpages_owns(&v, 5));
	CHECK(!vpages_owns(&v, 200UL << 39));
	CHECK(!vpages_owns(&v, -1UL));
}

static void mapped_and_refused_entries_are_passed_by(void)
{
	init(0);
	pml4[1] = 1;
	refuse = 3;
	CHECK_EQ(vpages_take(&v, HUGE_SIZE, HUGE_SIZE), 2UL << 39);
	CHECK_EQ(vpages_take(&v, VPAGES_SLOT, HUGE_SIZE), 4UL << 39);
	CHECK(!vpages_owns(&v, 3UL << 39));
}

static void large_and_aligned(void)
{
	vaddr_t a;

	init(0);
	vpages_take(&v, HUGE_SIZE, HUGE_SIZE);
	a = vpages_take(&v, 3 * HUGE_SIZE, GIGA_SIZE);
	CHECK_EQ(a & (GIGA_SIZE - 1), 0);
	/* Across entries, where they are neighbours. */
	a = vpages_take(&v, 2 * VPAGES_SLOT, HUGE_SIZE);
	CHECK(a != 0);
	CHECK(vpages_owns(&v, a) && vpages_owns(&v, a + 2 * VPAGES_SLOT - 1));
}

static void the_end_is_defined(void)
{
	unsigned long n = 0;

	init(0);
	while (vpages_take(&v, VPAGES_SLOT, HUGE_SIZE))
		n++;
	CHECK_EQ(n, 253); /* 256 without 0, 254, 255 */
	CHECK(!vpages_take(&v, HUGE_SIZE, HUGE_SIZE));
	CHECK(!vpages_take(&v, 0, HUGE_SIZE));
	init(3 * HUGE_SIZE);
	CHECK(vpages_take(&v, 2 * HUGE_SIZE, HUGE_SIZE));
	CHECK(!vpages_take(&v, 2 * HUGE_SIZE, HUGE_SIZE));
	CHECK(vpages_take(&v, HUGE_SIZE, HUGE_SIZE));
	CHECK(!vpages_take(&v, HUGE_SIZE, HUGE_SIZE));
}

int main(void)
{
	RUN(grains_are_fresh);
	RUN(mapped_and_refused_entries_are_passed_by);
	RUN(large_and_aligned);
	RUN(the_end_is_defined);
	return UNIT_END();
}
