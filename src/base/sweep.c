/* sweep.c - see sweep.h. app context. */
#include "sweep.h"

struct lock sweep_lock = LOCK(SWEEP);
uint64_t sweeps;
static const struct sweeper *engine;

void sweep_start(const struct sweeper *how)
{
	engine = how;
}

/* Those of the list in which something waits; how much by worth. */
static struct mortal *look_through(struct mortal *m, size_t waiting[WORTHS])
{
	struct mortal *later = NULL, *next;
	unsigned living;
	size_t due;

	for (; m; m = next) {
		next = m->next[PENDING];
		if (m->buried) {
			atomic_store(&m->on[PENDING], 0);
			continue;
		}
		if (!engine->look(m, &due, &living))
			continue;
		pace_waits(&m->since);
		m->worth = (uint8_t)policy_worth(due, living);
		waiting[m->worth] += due;
		m->next[PENDING] = later;
		later = m;
	}
	return later;
}

/* Returns the bytes that wait on. */
static size_t sweep_list(struct mortal *pending, bool all)
{
	size_t waiting[WORTHS] = {0}, left;
	struct mortal *m = look_through(pending, waiting), *due = NULL, **end = &due, *next;
	unsigned cut = policy_cut(waiting, pace_most(engine->heap()), &left);

	for (; m; m = next) {
		next = m->next[PENDING];
		if (!all && m->worth < cut && !pace_is_old(&m->since)) {
			mortal_again(m, PENDING);
		} else {
			*end = m;
			end = &m->next[PENDING];
		}
	}
	*end = NULL;
	engine->clean(due);
	return all ? 0 : left;
}

static void spent_retire(bool all)
{
	engine->retire(mortals_take(SPENT), all);
	mortals_forget(engine->forget);
}

bool sweep_run(bool all)
{
	size_t left;

	if (all)
		lock_take(&sweep_lock);
	else if (!lock_try(&sweep_lock))
		return false;
	pace_begin();
	if (pace_look() && engine->now_and_then)
		engine->now_and_then();
	pace_kills_begin();
	left = sweep_list(mortals_take(PENDING), all);
	pace_kills_end(engine->heap());
	spent_retire(true);
	pace_end(left);
	if (engine->swept)
		engine->swept();
	sweeps++;
	lock_drop(&sweep_lock);
	return true;
}

void sweep_spent(void)
{
	if (!lock_try(&sweep_lock))
		return;
	spent_retire(false);
	lock_drop(&sweep_lock);
}

void sweep_spent_if_many(void)
{
	struct lock_section s;

	if (!mortals_spent_many())
		return;
	lock_section_enter(&s);
	sweep_spent();
	lock_section_leave(&s);
}

void sweep_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;

	if (!pace_freed(frees, bytes, engine->heap()))
		return;
	lock_section_enter(&s);
	sweep_run(false);
	lock_section_leave(&s);
}

void sweep_told(struct owner *o)
{
	uint64_t freed = owner_told(o);

	sweep_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

void sweep_freed_alone(size_t bytes)
{
	owner_arrive();
	__atomic_fetch_add(&owner_of[0]->frees, 1, __ATOMIC_RELAXED);
	sweep_freed(1, bytes);
}
