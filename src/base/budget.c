/* budget.c - see budget.h. pure. */
#include "budget.h"

/* The share of half a second: 25 ms with 5 %. So short programs have all that they free dead at once. */
#define SAVED_NS 500000000L

/* New places may overdraw it by so many times that: the share of two seconds more. */
#define OVERDRAWN 4

/* Either took longer because the processor did something else meanwhile. */
#define COST_MOST 4000000UL

/*
 * What is in neither: the page-table entries, which the living go through from then on, the filling
 * and the look at it, and what the sweep has to do.
 */
#define COST_AFTER 2

int64_t budget_most(unsigned share)
{
	return SAVED_NS / 100 * (int64_t)share;
}

int64_t budget_earn(int64_t left, unsigned share, uint64_t ns)
{
	uint64_t most = (uint64_t)(budget_most(share) - left);

	/* First what would be too much: the product could be. */
	return ns > most / (share ? share : 1) * 100 ? budget_most(share)
						     : left + (int64_t)(ns / 100 * share);
}

int64_t budget_cost(uint64_t ns, uint64_t after)
{
	return (int64_t)((MIN(ns, COST_MOST) + MIN(after, COST_MOST)) * COST_AFTER);
}

/* A place that has freed so often is due each so many times, a power of two. */
static uint32_t step_of(uint32_t before)
{
	return before < BUDGET_FIRST ? 1 : (1U << (31 - __builtin_clz(before))) / BUDGET_FIRST;
}

enum budget_claim budget_claim(uint32_t before)
{
	if (before < BUDGET_FIRST)
		return CLAIM_FIRST;
	return before & (step_of(before) - 1) ? CLAIM_REST : CLAIM_TURN;
}

uint32_t budget_rest(uint32_t before)
{
	uint32_t step = MIN(step_of(before), BUDGET_ASKS);

	return step - 1 - (before & (step - 1));
}

/*
 * What is freed all the time takes the upper half, by turns the rest, who is new an overdraft: so
 * none of them leaves the next one without.
 */
bool budget_allows(int64_t left, unsigned share, enum budget_claim claim, bool dear)
{
	switch (claim) {
	case CLAIM_FIRST:
		return left > -OVERDRAWN * budget_most(share);
	case CLAIM_TURN:
		return left > 0;
	default:
		return !dear && left > budget_most(share) / 2;
	}
}
