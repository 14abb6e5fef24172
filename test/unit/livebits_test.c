// sources: src/base/livebits.c src/base/meta.c src/base/lock.c src/base/panic.c src/base/out.c
/* Of two frees of one object one is told off, in whichever threads. */
#include "unit.h"
#include "base/livebits.h"

#include <pthread.h>
#include <sched.h>

#define WORDS	16U
#define OBJECTS (WORDS * 64)

static _Atomic uint64_t live[WORDS];
static _Atomic(_Atomic uint64_t *) gone;

enum way { MINE, OTHER, FIRST, WAYS };

static bool clear(enum way way, uint32_t idx)
{
	switch (way) {
	case MINE:
		return livebits_clear_mine(live, &gone, idx);
	case OTHER:
		return livebits_clear_other(live, &gone, WORDS, idx);
	default:
		return livebits_clear_first(live, idx, false);
	}
}

static void all_live(void)
{
	for (unsigned w = 0; w < WORDS; w++) {
		atomic_store(&live[w], ~0UL);
		if (gone)
			atomic_store(&gone[w], 0);
	}
}

static void one_after_the_other(void)
{
	for (int a = 0; a < WAYS; a++)
		for (int b = 0; b < WAYS; b++) {
			if ((a == FIRST) != (b == FIRST))
				continue; /* all objects go one way, or two */
			all_live();
			for (uint32_t i = 0; i < OBJECTS; i += 7) {
				CHECK(clear(a, i));
				CHECK(!(livebits_word(live, &gone, i / 64) >> i % 64 & 1));
				CHECK(!clear(b, i));
			}
			CHECK(livebits_word(live, &gone, 0) & 2);
		}
	CHECK(livebits_clear_first(live, 1, true));
	CHECK(!livebits_clear_first(live, 1, true));
}

#define ROUNDS 3000

static _Atomic int at_start, at_end;
static _Atomic uint32_t won;
static enum way racing;

/* Two threads leave the n-th meeting together, as near as two can. */
static void meet(_Atomic int *count, int n)
{
	atomic_fetch_add(count, 1);
	for (long spins = 1; atomic_load(count) < 2 * n; spins++)
		if (spins % 10000 == 0)
			sched_yield();
}

/* Each has first every other object, of the same words as the other thread, then what that one had. */
static void race(int round, uint32_t first)
{
	uint32_t mine = 0;

	meet(&at_start, round);
	for (uint32_t from = first, n = 0; n < 2; from = !from, n++)
		for (uint32_t i = from; i < OBJECTS; i += 2)
			mine += clear(racing, i);
	atomic_fetch_add(&won, mine);
	meet(&at_end, round);
}

/* On the first processor that may be had, or the last: beside others both would often share one. */
static cpu_set_t may;

static void go(bool last)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && (last || !CPU_COUNT(&one)); cpu++)
		if (CPU_ISSET(cpu, &may)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
		}
	sched_setaffinity(0, sizeof(one), &one);
}

static void *other(void *arg)
{
	go(true);
	for (int i = 1; i <= ROUNDS; i++)
		race(i, 1);
	return arg;
}

static void together(enum way way)
{
	pthread_t t;
	int wrong = 0;

	racing = way;
	at_start = at_end = 0;
	all_live();
	pthread_create(&t, NULL, other, NULL);
	go(false);
	for (int i = 1; i <= ROUNDS; i++) {
		race(i, 0);
		wrong += atomic_exchange(&won, 0) != OBJECTS;
		all_live();
	}
	pthread_join(t, NULL);
	CHECK_EQ(wrong, 0);
}

static void two_others_at_once(void)
{
	together(OTHER);
}

static void two_of_any_at_once(void)
{
	together(FIRST);
}

int main(void)
{
	unit_section();
	sched_getaffinity(0, sizeof(may), &may);
	RUN(one_after_the_other);
	RUN(two_others_at_once);
	RUN(two_of_any_at_once);
	return UNIT_END();
}
