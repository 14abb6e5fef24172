/*
 * atonce.c - see atonce.h: what is left of the budget, and how often each place has freed.
 *
 * app context, no lock. Counts of places are stored without a lock prefix: one that is lost is a
 * kill at once more. Each place counts in two tables by two hashes, and the smaller one is believed:
 * so a place that frees seldom passes for a hot one only where both collide. The tables double when
 * an eighth is full.
 */
#include "atonce.h"
#include "budget.h"
#include "clock.h"
#include "stamp.h"

#define PLACES_FIRST (1U << 8)
#define PLACES_MOST  (1U << 14)

struct atonce_counts atonce_counts;

static uint32_t freed[PLACES_MOST][2] UD_TABLE; /* of which so many are in use: */
static _Atomic uint32_t places = PLACES_FIRST;
static _Atomic int64_t left;
static _Atomic uint64_t earned_tsc, earned_ns;
static uint64_t start_tsc, start_ns;

/* Ticks between two looks at the clock: to leave that to clock_ns() costs 6 % of malloc and free. */
#define EARN_TICKS (1UL << 24)

void atonce_start(void)
{
	if (!mode.share || mode.strict)
		return;
	left = budget_most(mode.share);
	earned_tsc = start_tsc = ticks();
	earned_ns = start_ns = clock_ns();
}

/* Until the first look a tick is half a nanosecond. */
static uint64_t ns_of(uint64_t ticks)
{
	uint64_t ns = earned_ns - start_ns, t = earned_tsc - start_tsc;

	return ns && t >> 20 ? (uint64_t)((unsigned __int128)ticks * ns / t) : ticks / 2;
}

static void earn(void)
{
	uint64_t tsc = ticks(), was = earned_tsc, ns, before;
	int64_t is = left;

	stamp_look(tsc);
	if (likely((int64_t)(tsc - was) < (int64_t)EARN_TICKS) ||
		!atomic_compare_exchange_strong(&earned_tsc, &was, tsc))
		return;
	ns = clock_ns();
	before = atomic_exchange(&earned_ns, ns);
	if (ns <= before)
		return;
	while (!atomic_compare_exchange_weak(&left, &is, budget_earn(is, mode.share, ns - before)))
		;
}

/* Each place finds its count in the upper half as well. */
static void place_new(void)
{
	uint32_t n = places;

	if (++atonce_counts.places < n / 8 || n == PLACES_MOST)
		return;
	__builtin_memcpy(freed[n], freed, n * sizeof(freed[0]));
	atomic_compare_exchange_strong(&places, &n, n * 2);
}

/* How often it freed before these times. */
static uint32_t count(uint64_t place, uint32_t times)
{
	uint64_t h = place * GOLDEN;
	uint32_t mask = places - 1;
	uint32_t *a = &freed[h >> 50 & mask][0], *b = &freed[h >> 36 & mask][1];
	uint32_t na = __atomic_load_n(a, __ATOMIC_RELAXED);
	uint32_t nb = __atomic_load_n(b, __ATOMIC_RELAXED);
	uint32_t n = MIN(na, nb), now = MIN(n, UINT32_MAX - times) + times;

	/* The larger one is the other's. */
	if (na == n)
		__atomic_store_n(a, now, __ATOMIC_RELAXED);
	if (nb == n)
		__atomic_store_n(b, now, __ATOMIC_RELAXED);
	return n;
}

bool atonce_allows(struct atonce_rest *rests, uint64_t place, bool dear)
{
	uint32_t before = count(place, 1), rest;
	enum budget_claim claim = budget_claim(before);

	if (!before)
		place_new();
	/* The time stamp counter takes as long as all the rest. */
	if (claim != CLAIM_REST || before % BUDGET_ASKS == 0)
		earn();
	if (budget_allows(left, mode.share, claim, dear))
		return true;
	rest = budget_rest(before);
	if (rests && rest) {
		*atonce_rest(rests, place) = (struct atonce_rest){place, rest};
		count(place, rest);
	}
	return false;
}

void atonce_charge(uint64_t begun, uint64_t after)
{
	int64_t cost = budget_cost(ns_of(ticks() - begun), ns_of(after));

	left -= cost;
	atonce_counts.kills++;
	atonce_counts.ns += (uint64_t)cost;
}
