// sources: src/base/pace.c src/base/policy.c
/* How much may wait, and until when, as frees, looks and what the kills took come in. */
#include "base/clock.h"
#include "base/mode.h"
#include "base/owner.h"
#include "base/pace.h"
#include "unit.h"

#define MB   (1UL << 20)
#define HEAP (1024 * MB)
#define DEAR (1UL << 50) /* ticks: more than any share of the time */

struct mode mode = {.defer_frees = 1U << 20, .defer_ns = 4000UL * 1000 * 1000};
__thread struct owner *owner_mine;

static uint64_t now = 1UL << 40;
static struct owner owners[2];

uint64_t clock_ns(void)
{
	return now;
}

/* A sweep in which the kills took that. Was it a look? */
static bool sweeps(uint64_t took, size_t left)
{
	bool looked;

	pace_begin();
	looked = pace_look();
	pace_kills_begin();
	pace_refilled(took);
	pace_kills_end(HEAP);
	pace_end(left);
	return looked;
}

static void little_waits_until_kills_are_dear(void)
{
	CHECK_EQ(pace_most(HEAP), WAITING_LEAST);
	sweeps(DEAR, 0);
	CHECK_EQ(pace_most(HEAP), 4 * WAITING_LEAST);
	for (unsigned i = 0; i < 4; i++)
		sweeps(DEAR, 0);
	CHECK_EQ(pace_most(HEAP), policy_waiting_limit(HEAP, false, false));
	mode.defer_bytes = 7 * MB;
	CHECK_EQ(pace_most(HEAP), 7 * MB);
	mode.defer_bytes = 0;
}

static void who_frees_by_turns(unsigned turns)
{
	for (unsigned i = 0; i < turns; i++) {
		owner_mine = &owners[i % 2];
		pace_freed(1, 0, HEAP);
	}
}

/* Between two looks it is as it was. */
static void more_waits_where_several_free(void)
{
	now += LOOK_NS;
	CHECK(sweeps(DEAR, 0));
	who_frees_by_turns(20);
	CHECK(!sweeps(DEAR, 0));
	CHECK_EQ(pace_most(HEAP), policy_waiting_limit(HEAP, false, false));
	now += LOOK_NS;
	CHECK(sweeps(DEAR, 0));
	sweeps(DEAR, 0);
	CHECK_EQ(pace_most(HEAP), policy_waiting_limit(HEAP, true, false));
	now += LOOK_NS;
	CHECK(sweeps(DEAR, 0));
	CHECK_EQ(pace_most(HEAP), policy_waiting_limit(HEAP, false, false));
}

static void what_lived_lately_may_wait(void)
{
	size_t lived = 900 * MB, lives = 100 * MB;

	pace_lives(lived);
	pace_lives(lives);
	sweeps(DEAR, 0);
	sweeps(DEAR, 0);
	CHECK_EQ(pace_most(HEAP), policy_waiting_idle(lived, lives));
	now += LOOK_NS;
	sweeps(DEAR, 0);
	CHECK_EQ(pace_most(HEAP), policy_waiting_idle(policy_lived(lived, lives), lives));
	pace_lives(lived);
	pace_lives(0);
	pace_lives(lived);
}

static void what_waits_is_counted(void)
{
	sweeps(0, 0);
	CHECK_EQ(pace_waiting(), 0);
	pace_freed(3, 1000, HEAP);
	CHECK_EQ(pace_waiting(), 1000);
	pace_died(400);
	CHECK_EQ(pace_waiting(), 600);
	pace_died(4000); /* about */
	CHECK_EQ(pace_waiting(), 0);
	sweeps(0, 250);
	CHECK_EQ(pace_waiting(), 250);
}

static void each_bound_makes_a_sweep_due(void)
{
	mode.defer_bytes = MB;
	sweeps(0, 0);
	CHECK(!pace_freed(1, MB - 1, HEAP));
	CHECK(pace_freed(1, 1, HEAP));
	sweeps(0, 0);
	CHECK(!pace_freed(mode.defer_frees / SWEEPS_A_BOUND - 1, 0, HEAP));
	CHECK(pace_freed(1, 0, HEAP));
	sweeps(0, 0);
	now += mode.defer_ns / SWEEPS_A_BOUND - 1;
	CHECK(!pace_freed(1, 0, HEAP));
	now++;
	CHECK(pace_freed(1, 0, HEAP));
	sweeps(0, 0);
	CHECK(!pace_freed(1, 0, HEAP));
}

/* From the sweep before the first that saw it: then it was freed at the earliest. */
static void old_is_what_would_be_too_old(void)
{
	struct pace_since since = {0};

	sweeps(0, 0);
	pace_begin();
	pace_waits(&since);
	CHECK(since.frees && !pace_is_old(&since));
	now += mode.defer_ns / SWEEPS_A_BOUND * (SWEEPS_A_BOUND - 1) - 1;
	pace_begin();
	pace_waits(&since);
	CHECK(!pace_is_old(&since));
	now++;
	pace_begin();
	pace_waits(&since);
	CHECK(pace_is_old(&since));
}

int main(void)
{
	RUN(little_waits_until_kills_are_dear);
	RUN(more_waits_where_several_free);
	RUN(what_lived_lately_may_wait);
	RUN(what_waits_is_counted);
	RUN(each_bound_makes_a_sweep_due);
	RUN(old_is_what_would_be_too_old);
	return UNIT_END();
}
