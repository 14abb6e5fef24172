/*
 * sweep.c - when the dead die: at once (strict), or within bounds (deferred).
 *
 * app context. A free that leaves a unit without live objects puts its view on the dirty list;
 * a sweep looks through those views and has killed what is due (clean.c). A view with nothing
 * alive is spent: it dies whole, with a few others, which costs a hundredth of killing its units
 * one by one. So nothing else is killed before a bound says so, and then where the most bytes
 * are had for the fewest kills.
 */
#include "sweep.h"
#include "census.h"
#include "clean.h"
#include "counts.h"
#include "idle.h"
#include "pending.h"
#include "host/host.h"
#include "base/base.h"
#include "counts.h"
#include "tcache.h"

#include <sys/single_threaded.h>

struct lock sweep_lock = LOCK(SWEEP);

static _Atomic uint64_t freed_total, freed_bytes_total;
/* The last sweep, and the one before; sweep_lock. */
static struct {
	uint64_t frees, bytes, ns;
} swept, swept_before;
/* Bytes that wait to die, about: freed_bytes_total less this. */
static _Atomic uint64_t waiting_base;

/*
 * Was all of v handed out, and does nothing of it live? In this order: an owner that hands out the
 * rest sets the bits first. Bits that others clear may be seen late.
 */
static bool view_is_spent(struct view *v)
{
	uint64_t any = 0;

	if (atomic_load_explicit(&v->handed, memory_order_acquire) != v->words)
		return false;
	for (unsigned w = 0; w < v->words; w++)
		any |= view_live_word(v, w);
	return !any;
}

vaddr_t sweep_twice(void)
{
	return likely(!freed_twice) ? 0 : atomic_exchange(&freed_twice, 0);
}

void sweep_look_spent(struct view *v)
{
	struct lock_section s;

	if (!view_is_spent(v))
		return;
	pending_note_spent(v);
	if (!pending_spent_many())
		return;
	lock_section_enter(&s);
	sweep_spent();
	lock_section_leave(&s);
}

/*
 * The first kill inside a huge mapping empties all of it. Fetching the other pages at once costs
 * less than ten faults of the 511 to come.
 */
static void split_warm(struct view *v, const struct run *r)
{
	vaddr_t end = v->base + ((vaddr_t)v->pages << PAGE_SHIFT);

	if (r->lo > v->base)
		host_view_warm(v->base, (unsigned)((r->lo - v->base) >> PAGE_SHIFT));
	if (r->hi < end)
		host_view_warm(r->hi, (unsigned)((end - r->hi) >> PAGE_SHIFT));
}

void unit_died(struct view *v, uint32_t u)
{
	if (mode.strict) {
		struct run r = {.lo = view_unit_at(v, u)};

		r.hi = r.lo + ((vaddr_t)v->geom->unit_pages << PAGE_SHIFT);
		if (!host_runs_kill(v->base, v->pages, &r, 1))
			atomic_fetch_or(&view_revoked(v)[u / 64], 1UL << (u % 64));
		if (v->geom->unit_pages == 1 && heap_chunk_is_huge(v->chunk) &&
			!atomic_exchange(&v->split, 1))
			split_warm(v, &r);
	}
	pending_note(v);
}

/*
 * First look: whole views are spent, in strict mode the others are done with; true for both.
 * What waits in the others is added to waiting[].
 */
static bool view_look(struct view *v, size_t waiting[WORTHS])
{
	struct census n;

	view_check(v);
	view_count(v, &n);
	if (n.whole) {
		pending_note_spent(v);
		atomic_store(&v->dirty, 0);
		return true;
	}
	if (mode.strict) {
		views_clean(&v, 1);
		return true;
	}
	if (!v->since_frees) {
		v->since_frees = swept_before.frees + 1;
		v->since_ns = swept_before.ns;
	}
	v->worth = (uint8_t)policy_worth((uint64_t)n.ndue * v->geom->band, n.nfresh - n.ndead);
	waiting[v->worth] += (size_t)n.ndue * v->geom->band;
	return false;
}

/*
 * Do several threads free by turns? They may run at once then. How many there are says little: most
 * wait for something.
 */
static _Atomic(struct tcache *) freed_last;
static _Atomic uint32_t freed_turns;
static uint32_t swept_turns;
static bool several; /* as of the last look */

static void turns_look(void)
{
	several = policy_several(freed_turns - swept_turns);
	swept_turns = freed_turns;
}

/* How many dead bytes may wait. */
static _Atomic size_t waiting_wish = WAITING_LEAST;

static size_t waiting_limit(void)
{
	return policy_waiting_limit(heap_bytes(), several, false);
}

static size_t waiting_most(void)
{
	return mode.defer_bytes ? mode.defer_bytes : MIN(waiting_wish, waiting_limit());
}

/* At the next sweep it would be older than it may be. */
static bool view_is_old(const struct view *v)
{
	return policy_old(mode.defer_frees, swept.frees - v->since_frees, mode.defer_ns,
		swept.ns - v->since_ns);
}

/* The spent die. */
static void spent_retire(void)
{
	struct view *v = pending_spent();
	struct census n;

	for (struct view *w = v; w; w = w->spent_next) {
		view_check(w);
		view_count(w, &n);
		if (!n.whole)
			panic("a view was to die, and something in it lives");
		rows_counts.units_killed += n.ndue;
		view_find_twice(w);
		waiting_base += (size_t)n.ndue * w->geom->band;
	}
	views_retire(v);
}

static void threads_look(void)
{
	static uint64_t looked_ns;

	if (swept.ns - looked_ns < LOOK_NS)
		return;
	looked_ns = swept.ns;
	turns_look();
	idle_look();
}

/* Returns the bytes that wait on. */
static size_t sweep_list(struct view *v, bool all)
{
	size_t waiting[WORTHS] = {0}, ndue = 0, left;
	struct view *later = NULL, *next, *due[VIEWS_CLEAN_MAX];
	unsigned cut, pages = 0;

	for (; v; v = next) {
		next = v->dirty_next;
		if (v->state == VIEW_DEAD) {
			atomic_store(&v->dirty, 0);
			continue;
		}
		if (view_look(v, waiting))
			continue;
		v->dirty_next = later;
		later = v;
	}
	cut = policy_cut(waiting, waiting_most(), &left);
	for (v = later; v; v = next) {
		next = v->dirty_next;
		if (!all && v->worth < cut && !view_is_old(v)) {
			pending_push(v);
			continue;
		}
		due[ndue++] = v;
		pages += v->pages;
		if (ndue == VIEWS_CLEAN_MAX || pages >= VIEWS_CLEAN_MAX * CHUNK_PAGES) {
			views_clean(due, ndue);
			ndue = 0;
			pages = 0;
		}
	}
	views_clean(due, ndue);
	return all ? 0 : left;
}

bool sweep_run(bool all)
{
	static uint64_t swept_at; /* processor's time */
	uint64_t t0, t1;
	size_t left;

	if (all)
		lock_take(&sweep_lock);
	else if (!lock_try(&sweep_lock))
		return false;
	swept_before = swept;
	swept.frees = atomic_load(&freed_total);
	swept.bytes = atomic_load(&freed_bytes_total);
	swept.ns = clock_ns();
	threads_look();
	t0 = __builtin_ia32_rdtsc();
	left = sweep_list(pending_dirty(), all);
	t1 = __builtin_ia32_rdtsc();
	waiting_wish = policy_waiting_tune(waiting_wish, waiting_limit(), t1 - t0, t0 - swept_at);
	swept_at = t1;
	spent_retire();
	waiting_base = swept.bytes - left;
	rows_counts.sweeps++;
	lock_drop(&sweep_lock);
	return true;
}

void sweep_spent(void)
{
	if (!lock_try(&sweep_lock))
		return;
	spent_retire();
	lock_drop(&sweep_lock);
}

static bool sweep_is_due(uint64_t frees, uint64_t bytes)
{
	static _Atomic uint32_t looks;

	if (policy_sweep_due(mode.strict, mode.defer_frees, frees - swept.frees,
		    (int64_t)(bytes - waiting_base), waiting_most()))
		return true;
	/* The clock is a system call: not every time. */
	return atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed) % 8 == 0 &&
	       policy_sweep_late(mode.defer_ns, clock_ns() - swept.ns);
}

void sweep_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;
	uint64_t f = atomic_fetch_add(&freed_total, frees) + frees;
	uint64_t b = atomic_fetch_add(&freed_bytes_total, bytes) + bytes;

	if (atomic_load_explicit(&freed_last, memory_order_relaxed) != tcache_mine) {
		atomic_store_explicit(&freed_last, tcache_mine, memory_order_relaxed);
		atomic_fetch_add(&freed_turns, 1);
	}
	if (!sweep_is_due(f, b))
		return;
	lock_section_enter(&s);
	sweep_run(false);
	lock_section_leave(&s);
}
