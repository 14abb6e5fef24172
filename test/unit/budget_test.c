// sources: src/base/budget.c
/* What dies at once within a share of the time: tables, and whole runs played in their own time. */
#include "base/budget.h"
#include "unit.h"

#define MS 1000000L

static void claims(void)
{
	static const struct {
		uint32_t before;
		enum budget_claim claim;
	} row[] = {
		{0, CLAIM_FIRST},
		{15, CLAIM_FIRST},
		{16, CLAIM_TURN},
		{31, CLAIM_TURN},
		{32, CLAIM_TURN},
		{33, CLAIM_REST},
		{34, CLAIM_TURN},
		{1024, CLAIM_TURN},
		{1025, CLAIM_REST},
		{1087, CLAIM_REST},
		{1088, CLAIM_TURN},
		{UINT32_MAX, CLAIM_REST},
		{0xf8000000, CLAIM_TURN},
	};
	unsigned turns = 0;

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		CHECK_EQ(budget_claim(row[i].before), row[i].claim);
	/* Ever fewer: so many of each power of two. */
	for (uint32_t n = 1U << 20; n < 1U << 21; n++)
		turns += budget_claim(n) == CLAIM_TURN;
	CHECK_EQ(turns, BUDGET_FIRST);
}

/* Who was refused asks again when its place is due, and now and then. */
static void rests(void)
{
	CHECK_EQ(budget_rest(0), 0);
	CHECK_EQ(budget_rest(20), 0);
	CHECK_EQ(budget_rest(33), 0);
	CHECK_EQ(budget_rest(64), 3);
	CHECK_EQ(budget_rest(UINT32_MAX), 0);
	for (uint32_t n = 0; n < 1U << 16; n++) {
		uint32_t rest = budget_rest(n);

		CHECK(rest < BUDGET_ASKS);
		for (uint32_t i = 1; i <= rest; i++)
			CHECK_EQ(budget_claim(n + i), CLAIM_REST);
		CHECK(budget_claim(n + rest + 1) != CLAIM_REST ||
			(n + rest + 1) % BUDGET_ASKS == 0);
	}
}

static void allowed(void)
{
	const int64_t most = budget_most(5);
	const struct {
		int64_t left;
		bool dear, first, turn, rest;
	} row[] = {
		{most, false, true, true, true},
		{most, true, true, true, false},
		{most / 2, false, true, true, false},
		{1, false, true, true, false},
		{0, false, true, false, false},
		{-4 * most + 1, false, true, false, false},
		{-4 * most, false, false, false, false},
	};

	CHECK_EQ(most, 25 * MS);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		CHECK_EQ(budget_allows(row[i].left, 5, CLAIM_FIRST, row[i].dear), row[i].first);
		CHECK_EQ(budget_allows(row[i].left, 5, CLAIM_TURN, row[i].dear), row[i].turn);
		CHECK_EQ(budget_allows(row[i].left, 5, CLAIM_REST, row[i].dear), row[i].rest);
	}
	/* No share: nothing ever. */
	CHECK_EQ(budget_most(0), 0);
	CHECK(!budget_allows(0, 0, CLAIM_FIRST, false));
}

static void earned(void)
{
	CHECK_EQ(budget_earn(0, 5, 100 * MS), 5 * MS);
	CHECK_EQ(budget_earn(-7 * MS, 5, 100 * MS), -2 * MS);
	CHECK_EQ(budget_earn(24 * MS, 5, 100 * MS), 25 * MS);
	/* Who sleeps for ever does not save up for a storm. */
	CHECK_EQ(budget_earn(25 * MS, 5, UINT64_MAX), 25 * MS);
	CHECK_EQ(budget_earn(-100 * MS, 5, UINT64_MAX), 25 * MS);
	CHECK_EQ(budget_earn(0, 0, 100 * MS), 0);
	CHECK_EQ(budget_earn(0, 100, 100 * MS), 100 * MS);
}

static void costs(void)
{
	CHECK(budget_cost(1000, 0) >= 1000);
	/* All that the others of a huge page will take. */
	CHECK(budget_cost(1000, MS) >= MS + 1000);
	/* Another process had the processor. */
	CHECK_EQ(budget_cost(3600000 * MS, 0), budget_cost(4 * MS, 0));
	CHECK_EQ(budget_cost(0, 3600000 * MS), budget_cost(0, 4 * MS));
}

/* A program: each place frees every `every` nanoseconds, from `from` on. */
struct place {
	uint64_t every, from;
	uint32_t freed, first, killed;
};

/* Frees from t to `end`, kills of 5 us; what those take, as it is charged. */
static uint64_t run(struct place *p, size_t n, uint64_t t, uint64_t end, int64_t *left)
{
	const int64_t cost = budget_cost(5000, 0);
	uint64_t charged = 0;

	for (uint64_t was = t; t < end; was = t, t += 1000) {
		*left = budget_earn(*left, 5, t - was);
		for (size_t i = 0; i < n; i++) {
			enum budget_claim claim;

			if (t < p[i].from || t % p[i].every >= 1000)
				continue;
			claim = budget_claim(p[i].freed++);
			if (!budget_allows(*left, 5, claim, false))
				continue;
			*left -= cost;
			charged += (uint64_t)cost;
			p[i].killed++;
			p[i].first += claim == CLAIM_FIRST;
		}
	}
	return charged;
}

/* The share is kept over the whole run, over each second of it, and after a pause. */
static void the_share_is_kept(void)
{
	struct place hot[] = {{1000, 0, 0, 0, 0}, {1000, 0, 0, 0, 0}, {3000, 0, 0, 0, 0}};
	int64_t left = budget_most(5);
	uint64_t second, all = 0;

	for (uint64_t s = 0; s < 10; s++) {
		second = run(hot, 3, s * 1000 * MS, (s + 1) * 1000 * MS, &left);
		CHECK(second < (s ? 51 : 64) * MS);
		all += second;
	}
	CHECK(all > 490 * MS && all < 520 * MS);
	left = budget_earn(left, 5, 3600 * 1000UL * MS);
	CHECK(run(hot, 3, 0, 1000 * MS, &left) < 64 * MS);
}

/* 10^7 frees of other places later the first ones of a rare place die at once. */
static void the_rare_are_strict(void)
{
	struct place p[] = {{1000, 0, 0, 0, 0}, {100 * MS, 10000 * MS, 0, 0, 0}};
	int64_t left = budget_most(5);

	run(p, 2, 0, 13000 * MS, &left);
	CHECK(p[0].freed > 10000000 && p[0].killed > 10000 && p[0].killed < p[0].freed / 50);
	CHECK(p[1].freed >= 30);
	CHECK_EQ(p[1].killed, p[1].freed);
}

/* Nothing but new places: they overdraw it, but not for ever. */
static void new_places_have_an_end(void)
{
	int64_t left = budget_most(5);
	uint64_t charged = 0;

	for (uint64_t t = 0; t < 10000 * MS; t += 1000) {
		struct place p = {1000, 0, 0, 0, 0};

		charged += run(&p, 1, t, t + 1000, &left);
		left = budget_earn(left, 5, 1000);
	}
	CHECK(charged < (500 + 5 * 25 + 1) * MS);
}

int main(void)
{
	RUN(claims);
	RUN(rests);
	RUN(allowed);
	RUN(earned);
	RUN(costs);
	RUN(the_share_is_kept);
	RUN(the_rare_are_strict);
	RUN(new_places_have_an_end);
	return UNIT_END();
}
