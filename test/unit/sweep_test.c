// sources: src/base/sweep.c src/base/mortal.c src/base/pace.c src/base/policy.c src/base/lock.c src/base/panic.c src/base/out.c
/* A sweep, of an engine that only notes what it is asked: what dies, what waits on, and in which order. */
#include "base/clock.h"
#include "base/sweep.h"
#include "unit.h"

#define KB 1024UL

struct mode mode;
__thread struct owner *owner_mine;
struct owner *owner_of[OWNER_NONE + 1];

static uint64_t now;
static bool is_in;
static unsigned arrived;

void owner_arrive(void)
{
	arrived++;
}

uint64_t clock_ns(void)
{
	return now;
}

bool owner_is_in(const void *where)
{
	return is_in;
}

struct one {
	struct mortal mortal;
	size_t due;
	unsigned living;
	bool done;  /* the first look is all that it takes */
	bool whole; /* likewise, for it is spent */
	unsigned cleaned, retired, forgotten;
};

static struct one ones[8];
static unsigned nows, swept;
static uint64_t waiting; /* as of the end of the last sweep */

static struct one *one_of(struct mortal *m)
{
	return (struct one *)m;
}

static size_t heap(void)
{
	return 64 * KB * KB;
}

static bool look(struct mortal *m, size_t *due, unsigned *living)
{
	struct one *o = one_of(m);

	if (o->whole)
		mortal_spent(m, 512, o->due);
	if (o->whole || o->done)
		atomic_store(&m->on[PENDING], 0);
	*due = o->due;
	*living = o->living;
	return !o->whole && !o->done;
}

static void clean(struct mortal *list)
{
	for (struct mortal *next; list; list = next) {
		next = list->next[PENDING];
		one_of(list)->cleaned++;
		list->since.frees = 0;
		atomic_store(&list->on[PENDING], 0);
		mortal_pending(list); /* as a free that comes at this moment has it */
		if (!one_of(list)->living)
			atomic_store(&list->on[PENDING], 0);
	}
}

static void retire(struct mortal *list, bool all)
{
	for (struct mortal *next; list; list = next) {
		next = list->next[SPENT];
		one_of(list)->retired += all ? 1 : 100;
		list->buried = true;
		mortal_remember(list, 10);
		pace_died(one_of(list)->due);
	}
}

static bool forget(struct mortal *m)
{
	one_of(m)->forgotten += !is_in;
	return !is_in;
}

static void now_and_then(void)
{
	nows++;
}

static void behind(void)
{
	swept++;
	waiting = pace_waiting();
}

static const struct sweeper sweeper = {heap, look, clean, retire, forget, now_and_then, behind};

/* Sweeps come of frees. */
static bool sweep(bool all)
{
	pace_freed(1, 0, heap());
	return sweep_run(all);
}

/* All are pending, 64 KB due in each. */
static void fresh(size_t may_wait)
{
	while (mortals_take(PENDING) || mortals_take(SPENT))
		;
	mode = (struct mode){.defer_frees = 1U << 30,
		.defer_bytes = may_wait,
		.defer_ns = 1UL << 60,
		.dead_bytes = 1UL << 30};
	now += LOOK_NS;
	sweep(true);
	for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
		ones[i] = (struct one){.due = 64 * KB, .living = 7};
		mortal_pending(&ones[i].mortal);
		pace_freed(1, ones[i].due, heap());
	}
}

/* A bit for each that was cleaned, once. */
static unsigned cleaned(void)
{
	unsigned mask = 0;

	for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
		CHECK(ones[i].cleaned < 2);
		mask |= ones[i].cleaned << i;
	}
	return mask;
}

static void all_that_is_pending_dies(void)
{
	fresh(1UL << 30);
	ones[2].done = true;
	ones[3].mortal.buried = true;
	CHECK(sweep(true));
	CHECK_EQ(cleaned(), 0xff & ~(1U << 2 | 1U << 3));
	CHECK(!ones[2].mortal.on[PENDING] && !ones[3].mortal.on[PENDING]);
	CHECK(ones[1].mortal.on[PENDING]); /* a free put it back */
	CHECK_EQ(waiting, 0);
}

static void what_may_wait_does(void)
{
	uint64_t before = sweeps;

	fresh(1UL << 30);
	CHECK(sweep(false));
	CHECK_EQ(cleaned(), 0);
	CHECK_EQ(waiting, 8 * 64 * KB);
	CHECK_EQ(sweeps, before + 2);
	CHECK(sweep(true));
	CHECK_EQ(cleaned(), 0xff);
}

/* Three quarters of 512 KB may: those die first where the most comes back for what lives on. */
static void the_dearest_wait(void)
{
	fresh(512 * KB);
	ones[5].living = 1;
	ones[7].living = 100;
	CHECK(sweep(false));
	CHECK(ones[5].cleaned == 1 && !ones[7].cleaned);
	ones[7].due = 512 * KB; /* the most of all */
	ones[7].living = 1;
	CHECK(sweep(false));
	CHECK_EQ(ones[7].cleaned, 1);
}

/* What waits since the sweep before is left alone at the next two in a bound, and dies; what came later waits on. */
static void the_old_die(void)
{
	fresh(1UL << 30);
	mode.defer_ns = 4000;
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			ones[1].mortal.since.frees = 0;
		CHECK_EQ(cleaned(), 0);
		now += 1000;
		sweep(false);
	}
	CHECK_EQ(cleaned(), 0xff & ~2U);
}

static void the_spent_retire_and_are_forgotten(void)
{
	fresh(1UL << 30);
	ones[0].whole = ones[1].whole = true;
	mode.dead_bytes = 10;
	is_in = true;
	CHECK(sweep(false));
	CHECK(ones[0].retired == 1 && ones[1].retired == 1 && !ones[2].retired);
	CHECK_EQ(ones[0].forgotten + ones[1].forgotten, 0);
	CHECK_EQ(waiting, 6 * 64 * KB);
	is_in = false;
	sweep_spent();
	CHECK_EQ(ones[0].forgotten + ones[1].forgotten, 1);
	mode.dead_bytes = 0;
	sweep_spent();
	CHECK(ones[0].forgotten == 1 && ones[1].forgotten == 1);
}

/* Without a sweep, once they are many. */
static void many_spent_retire(void)
{
	fresh(1UL << 30);
	mortal_spent(&ones[0].mortal, 512, HUGE_SIZE - 1);
	sweep_spent_if_many();
	CHECK_EQ(ones[0].retired, 0);
	mortal_spent(&ones[1].mortal, 512, 1);
	lock_take(&sweep_lock);
	sweep_spent_if_many(); /* not while another thread sweeps */
	CHECK_EQ(ones[0].retired, 0);
	lock_drop(&sweep_lock);
	sweep_spent_if_many();
	CHECK(ones[0].retired == 100 && ones[1].retired == 100);
	CHECK_EQ(cleaned(), 0);
}

static void one_sweeps_at_a_time(void)
{
	fresh(1UL << 30);
	lock_take(&sweep_lock);
	CHECK(!sweep(false));
	lock_drop(&sweep_lock);
	CHECK(sweep(false));
}

static void frees_make_a_sweep_due(void)
{
	struct owner o = {.freed = 0};
	unsigned before;

	fresh(KB * KB);
	mode.step = 4;
	owner_mine = &o;
	before = swept;
	for (unsigned i = 0; i < 3; i++)
		sweep_count(&o, 10);
	CHECK(o.frees == 0 && FREED_COUNT(o.freed) == 3);
	sweep_count(&o, 10);
	CHECK(o.frees == 4 && !o.freed && swept == before);
	for (unsigned i = 0; i < 8; i++)
		sweep_count(&o, 63 * KB);
	CHECK_EQ(swept, before);
	sweep_count(&o, 64 * KB);
	CHECK_EQ(swept, before + 1);
}

static void so_do_those_of_a_thread_that_was_no_owner(void)
{
	struct owner all = {.frees = 0};
	unsigned before;

	fresh(KB * KB);
	owner_of[0] = &all;
	before = swept;
	sweep_freed_alone(511 * KB);
	CHECK(all.frees == 1 && arrived == 1 && swept == before);
	sweep_freed_alone(KB);
	CHECK(all.frees == 2 && swept == before + 1);
}

static void the_engine_looks_now_and_then(void)
{
	unsigned before;

	fresh(1UL << 30);
	before = nows;
	sweep(false);
	CHECK_EQ(nows, before);
	now += LOOK_NS;
	sweep(false);
	CHECK_EQ(nows, before + 1);
}

int main(void)
{
	sweep_start(&sweeper);
	RUN(all_that_is_pending_dies);
	RUN(what_may_wait_does);
	RUN(the_dearest_wait);
	RUN(the_old_die);
	RUN(the_spent_retire_and_are_forgotten);
	RUN(many_spent_retire);
	RUN(one_sweeps_at_a_time);
	RUN(frees_make_a_sweep_due);
	RUN(so_do_those_of_a_thread_that_was_no_owner);
	RUN(the_engine_looks_now_and_then);
	return UNIT_END();
}
