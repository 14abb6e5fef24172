// sources: src/base/vspace.c
#include "base/vspace.h"
#include "unit.h"

#define BASE 0x100000000000UL

static unsigned long seed = 88172645463325252UL;

static unsigned long rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Against a flat model: one byte per part of the space. */
static void never_twice(void)
{
	enum { WINDOWS = 4096, PARTS = WINDOWS * 16 };
	static unsigned char given[PARTS];
	struct vspace v;
	vaddr_t at;
	size_t len, out = 0;

	vspace_init(&v, BASE, BASE + WINDOWS * HUGE_SIZE);
	for (;;) {
		len = rnd() % 3 ? VSPACE_LEAST << rnd() % 5 : (1 + rnd() % 5) * HUGE_SIZE;
		at = len == 2 * HUGE_SIZE ? vspace_take_aligned(&v, len, len)
					  : vspace_take(&v, len);
		if (!at)
			break;
		CHECK(at >= BASE && at + len <= BASE + WINDOWS * HUGE_SIZE);
		CHECK_EQ(at % MIN(len & -len, HUGE_SIZE), 0);
		for (size_t i = 0; i < len / VSPACE_LEAST; i++) {
			unsigned char *g = &given[(at - BASE) / VSPACE_LEAST + i];

			CHECK_EQ(*g, 0);
			*g = 1;
		}
		CHECK(at + len <= v.next);
		out += len;
	}
	CHECK(out >= (WINDOWS - 5 - 4) * HUGE_SIZE); /* little is lost at the end */
}

static void alignment(void)
{
	struct vspace v;
	vaddr_t last = 0;

	vspace_init(&v, BASE + 123456, BASE + (1UL << 40));
	CHECK_EQ(v.base % HUGE_SIZE, 0);
	for (unsigned shift = HUGE_SHIFT; shift < 36; shift++) {
		vaddr_t at = vspace_take_aligned(&v, HUGE_SIZE, 1UL << shift);

		CHECK(at > last);
		CHECK_EQ(at & ((1UL << shift) - 1), 0);
		last = at;
	}
}

/* What lies in front of what was aligned is there for others, and not for what is longer. */
static void gap(void)
{
	struct vspace v;

	vspace_init(&v, BASE, BASE + 16 * HUGE_SIZE);
	CHECK_EQ(vspace_take(&v, HUGE_SIZE), BASE);
	CHECK_EQ(vspace_take_aligned(&v, 4 * HUGE_SIZE, 4 * HUGE_SIZE), BASE + 4 * HUGE_SIZE);
	CHECK_EQ(vspace_take_aligned(&v, 4 * HUGE_SIZE, HUGE_SIZE), BASE + 8 * HUGE_SIZE);
	CHECK_EQ(vspace_take_aligned(&v, HUGE_SIZE, 2 * HUGE_SIZE), BASE + 2 * HUGE_SIZE);
	CHECK_EQ(vspace_take(&v, HUGE_SIZE), BASE + 3 * HUGE_SIZE);
	CHECK_EQ(vspace_take(&v, HUGE_SIZE), BASE + 12 * HUGE_SIZE);
}

static void end_of_space(void)
{
	struct vspace v;

	vspace_init(&v, BASE, BASE + 4 * HUGE_SIZE);
	CHECK_EQ(vspace_take(&v, 5 * HUGE_SIZE), 0);
	CHECK_EQ(vspace_take_aligned(&v, -HUGE_SIZE, HUGE_SIZE), 0);
	CHECK_EQ(vspace_take(&v, 4 * HUGE_SIZE), BASE);
	CHECK_EQ(vspace_take(&v, VSPACE_LEAST), 0);
	CHECK_EQ(vspace_take(&v, HUGE_SIZE), 0);
	vspace_init(&v, BASE, BASE + HUGE_SIZE);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(vspace_take(&v, VSPACE_LEAST), BASE + (unsigned long)i * VSPACE_LEAST);
	CHECK_EQ(vspace_take(&v, VSPACE_LEAST), 0);
}

int main(void)
{
	RUN(never_twice);
	RUN(alignment);
	RUN(gap);
	RUN(end_of_space);
	return UNIT_END();
}
