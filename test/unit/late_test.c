// sources: src/base/late.c
/* What sweeps find wrong: each place once, as it was then, and no more than there is room for. */
#include "base/late.h"
#include "unit.h"

static size_t size = 40;

static void find(vaddr_t addr, struct block *b)
{
	*b = (struct block){.state = BLOCK_DEAD, .base = addr, .size = size};
}

static const struct block_source source = {.find = find};
const struct block_source *block_source = &source;

static void each_place_once(void)
{
	struct late l;

	CHECK(!late_take(&l));
	late_note(LATE_WRITE, 4096, 7);
	late_note(LATE_WRITE, 4096, 8);
	late_note(LATE_TWICE, 8192, 0);
	CHECK(late_waits);
	size = 50;
	CHECK(late_take(&l));
	CHECK(l.what == LATE_WRITE && l.at == 4096 && l.value == 7);
	CHECK(l.block.base == 4096 && l.block.size == 40);
	CHECK(late_take(&l));
	CHECK(l.what == LATE_TWICE && l.at == 8192);
	CHECK(!late_take(&l) && !late_waits);
	late_note(LATE_WRITE, 4096, 9); /* once more, for that was told */
	CHECK(late_take(&l) && l.value == 9);
	CHECK(!late_take(&l));
}

static void too_many_are_not_told(void)
{
	unsigned n = 0;
	struct late l;

	for (unsigned i = 1; i <= 100; i++)
		late_note(LATE_WRITE, i << 12, i);
	while (late_take(&l))
		CHECK_EQ(l.at, (vaddr_t)++n << 12);
	CHECK_EQ(n, 32);
	late_note(LATE_WRITE, 4096, 1);
	CHECK(late_take(&l) && !late_take(&l));
}

int main(void)
{
	RUN(each_place_once);
	RUN(too_many_are_not_told);
	return UNIT_END();
}
