// sources: src/base/policy.c
/* When a sweep is due, what may wait, and what dies first: tables of what is expected. */
#include "base/policy.h"
#include "unit.h"

#define MB (1UL << 20)

static void due(void)
{
	static const struct {
		bool strict;
		uint64_t bound, frees;
		int64_t waiting;
		size_t most;
		bool due;
	} row[] = {
		{false, 4000, 999, 0, MB, false}, {false, 4000, 1000, 0, MB, true},
		{false, 4000, 0, (long)MB - 1, MB, false}, {false, 4000, 0, (long)MB, MB, true},
		{false, 4000, 0, -1, MB, false}, /* what waits is known about only */
		{true, 4000, 511, 0, MB, false}, {true, 4000, 512, 0, MB, true},
		{true, 100, 100, 0, MB, false}, /* in strict mode the bound says nothing */
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		CHECK_EQ(policy_sweep_due(row[i].strict, row[i].bound, row[i].frees, row[i].waiting,
				 row[i].most),
			row[i].due);
	CHECK(!policy_sweep_late(4000, 999));
	CHECK(policy_sweep_late(4000, 1000));
}

/* What dies at the sweep after the third is no older than the bound, by frees or by time. */
static void old(void)
{
	CHECK(!policy_old(4000, 2999, 800, 599));
	CHECK(policy_old(4000, 3000, 800, 0));
	CHECK(policy_old(4000, 0, 800, 600));
}

static void limits(void)
{
	static const struct {
		size_t heap;
		bool several, grouped;
		size_t limit;
	} row[] = {
		{0, false, false, 32 * MB},
		{0, true, false, 32 * MB},
		{0, false, true, 16 * MB},
		{0, true, true, 96 * MB},
		{1000 * MB, false, false, 250 * MB},
		{1000 * MB, true, false, 500 * MB},
		{1000 * MB, false, true, 125 * MB},
		{1000 * MB, true, true, 500 * MB},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		CHECK_EQ(policy_waiting_limit(row[i].heap, row[i].several, row[i].grouped),
			row[i].limit);
	CHECK_EQ(policy_waiting_idle(80 * MB, 40 * MB), 56 * MB);
	CHECK_EQ(policy_waiting_idle(40 * MB, 40 * MB), 0);
	CHECK_EQ(policy_waiting_idle(40 * MB, 80 * MB), 0);
	CHECK_EQ(policy_lived(80 * MB, 48 * MB), 78 * MB);
	CHECK_EQ(policy_lived(48 * MB, 80 * MB), 80 * MB);
	CHECK_EQ(policy_lived(48 * MB, 48 * MB), 48 * MB);
	CHECK(!policy_several(4));
	CHECK(policy_several(5));
}

/*
 * Four times as many from an eighth of the time on, more by a quarter, less by an eighth, and
 * neither between a 64th and a 32nd.
 */
static void tuned(void)
{
	static const struct {
		size_t most, limit;
		uint64_t kills, between;
		size_t then;
	} row[] = {
		{8 * MB, 100 * MB, 401, 3200, 32 * MB},
		{8 * MB, 20 * MB, 401, 3200, 20 * MB},
		{8 * MB, 100 * MB, 400, 3200, 10 * MB},
		{8 * MB, 100 * MB, 101, 3200, 10 * MB},
		{8 * MB, 9 * MB, 101, 3200, 9 * MB},
		{8 * MB, 100 * MB, 100, 3200, 8 * MB},
		{8 * MB, 100 * MB, 50, 3200, 8 * MB},
		{8 * MB, 100 * MB, 49, 3200, 7 * MB},
		{4 * MB, 100 * MB, 0, 3200, 4 * MB},
		{64 * MB, 16 * MB, 101, 3200, 16 * MB}, /* the heap has shrunk */
		{64 * MB, 16 * MB, 0, 3200, 56 * MB},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		CHECK_EQ(policy_waiting_tune(
				 row[i].most, row[i].limit, row[i].kills, row[i].between),
			row[i].then);
	CHECK_EQ(WAITING_LEAST, 4 * MB);
}

/* Rises with the bytes, falls with the living, is never out of its range. */
static void worths(void)
{
	for (unsigned living = 0; living < 600; living++)
		for (uint64_t bytes = 1; bytes < 1UL << 40; bytes *= 3) {
			unsigned w = policy_worth(bytes, living);

			CHECK(w < WORTHS);
			CHECK(policy_worth(2 * bytes, living) >= w);
			CHECK(policy_worth(bytes, living + 1) <= w);
		}
	CHECK_EQ(policy_worth(0, 0), 0);
	/* Twice as much is two steps, half as much again one. */
	CHECK_EQ(policy_worth(4096, 60), 20);
	CHECK_EQ(policy_worth(6144, 60), 21);
	CHECK_EQ(policy_worth(8192, 60), 22);
	CHECK_EQ(policy_worth(4096, 124), 18);
}

static void cuts(void)
{
	size_t waiting[WORTHS] = {[3] = 10 * MB, [20] = 20 * MB, [40] = 30 * MB}, left;

	CHECK_EQ(policy_cut(waiting, 80 * MB, &left), WORTHS);
	CHECK_EQ(left, 60 * MB);
	CHECK_EQ(policy_cut(waiting, 79 * MB, &left), 40);
	CHECK_EQ(left, 30 * MB);
	CHECK_EQ(policy_cut(waiting, 39 * MB, &left), 20);
	CHECK_EQ(left, 10 * MB);
	CHECK_EQ(policy_cut(waiting, 0, &left), 3);
	CHECK_EQ(left, 0);
}

static void spent(void)
{
	CHECK(!policy_spent_enough(false, 32 * 512 - 1, 2 * MB - 1));
	CHECK(policy_spent_enough(false, 32 * 512, 0));
	CHECK(policy_spent_enough(false, 0, 2 * MB));
	CHECK(!policy_spent_enough(true, 512, 2 * MB));
	CHECK(policy_spent_enough(true, 1024, 4 * MB));
}

static void shares(void)
{
	static const struct {
		uint32_t views;
		uint64_t others;
		uint32_t units;
	} row[] = {{0, 0, 16}, {1, 0, 64}, {2, 0, 256}, {3, 0, 1024}, {4, 0, 1024}, {0, 9, 16},
		{2, 9, 128}, {9, 8, 1024}, {9, 9, 128}};

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		CHECK_EQ(policy_view_units(row[i].views, row[i].others, 1024), row[i].units);
}

static void sizes_that_last(void)
{
	struct policy_lives l = {0};

	CHECK(!policy_lasts(&l, 0, 0));
	CHECK(policy_lasts(&l, 0, 1));
	CHECK(!policy_lasts(&l, 7, 0)); /* an eighth is not more than an eighth */
	CHECK(policy_lasts(&l, 0, 1));
	/* The last thousand or two decide. */
	CHECK(!policy_lasts(&l, 1000000, 0));
	CHECK(!policy_lasts(&l, 0, 100));
	CHECK(policy_lasts(&l, 0, 200));
	CHECK(!policy_lasts(&l, 2000, 0));
}

/* How many of the next n come huge; each of these takes so many ticks. */
static unsigned come_huge(struct policy_huge *h, unsigned n, uint64_t ticks)
{
	unsigned huge = 0;

	for (unsigned i = 0; i < n; i++) {
		bool is = policy_huge_next(h);

		policy_huge_touched(h, is, is ? ticks : 1000);
		huge += is;
	}
	return huge;
}

static void huge_pages(void)
{
	struct policy_huge h = {0};

	/* Before a small page was touched nobody knows what is dear. */
	CHECK_EQ(come_huge(&h, 10, 1UL << 40), 10);
	policy_huge_touched(&h, false, 5000);
	policy_huge_touched(&h, false, 1000);
	policy_huge_touched(&h, false, 3000);
	/* As dear as their small ones: it is the same. */
	CHECK_EQ(come_huge(&h, 100, 512 * 1000), 100);
	CHECK_EQ(h.owed, 0);
	/* Twice as dear: one of each seventeen; however much it took, one of 49. */
	CHECK_EQ(come_huge(&h, 10 * 17, 2 * 512 * 1000), 10);
	CHECK_EQ(come_huge(&h, 10 * 49, 1UL << 40), 10);
	/* Each that is missed pays, too. */
	CHECK_EQ(come_huge(&h, 1, 1UL << 40), 1);
	for (unsigned i = 0; i < 3 * 256; i++) {
		CHECK(!policy_huge_next(&h));
		policy_huge_missed(&h);
	}
	CHECK(policy_huge_next(&h));
	/* Cheap ones save up, but no more than pays for one that lost the processor. */
	CHECK_EQ(come_huge(&h, 1000, 100 * 1000), 1000);
	CHECK_EQ(come_huge(&h, 1, 1UL << 40), 1);
	CHECK_EQ(come_huge(&h, 1, 1UL << 40), 1);
	CHECK_EQ(come_huge(&h, 33, 100 * 1000), 1);
	/* Now and then one is dear, and all are huge. */
	for (unsigned i = 0; i < 10; i++) {
		CHECK_EQ(come_huge(&h, 9, 100 * 1000), 9);
		CHECK_EQ(come_huge(&h, 1, 8 * 512 * 1000), 1);
	}
}

int main(void)
{
	RUN(due);
	RUN(old);
	RUN(limits);
	RUN(tuned);
	RUN(worths);
	RUN(cuts);
	RUN(spent);
	RUN(shares);
	RUN(sizes_that_last);
	RUN(huge_pages);
	return UNIT_END();
}
