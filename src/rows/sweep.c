/*
 * sweep.c - when the dead die: at once (strict; atonce.h), or within bounds (deferred).
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
#include "idle.h"
#include "pending.h"
#include "host/host.h"
#include "base/base.h"
#include "counts.h"
#include "cursors.h"

#include <sys/single_threaded.h>

struct lock sweep_lock = LOCK(SWEEP);

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
 * less than ten faults of the 511 to come. Returns how many those are; 0: it was not the first.
 */
static unsigned split_warm(struct view *v, uint32_t u)
{
	uint32_t n = v->geom->unit_pages, lo = ALIGN_DOWN(u * n, CHUNK_PAGES);
	uint32_t before = u * n - lo,
		 behind = MIN(lo + CHUNK_PAGES, (uint32_t)v->pages) - u * n - n;
	uint8_t bit = view_split_bit(u);

	if (!view_is_huge(v) || atomic_fetch_or(&v->split, bit) & bit)
		return 0;
	if (before)
		host_view_warm(v->base + ((vaddr_t)lo << PAGE_SHIFT), before);
	if (behind)
		host_view_warm(view_unit_at(v, u + 1), behind);
	return before + behind;
}

static void unit_kill(struct view *v, uint32_t u)
{
	struct run r = {.lo = view_unit_at(v, u)};
	uint64_t begun = mode.strict ? 0 : ticks();
	unsigned others;

	r.hi = r.lo + ((vaddr_t)v->geom->unit_pages << PAGE_SHIFT);
	atomic_fetch_add(&v->killing, 1);
	if (!host_runs_kill(v->base, v->pages, &r, 1))
		atomic_fetch_or(&view_revoked(v)[u / 64], 1UL << (u % 64));
	else
		v->torn = true;
	atomic_fetch_sub(&v->killing, 1);
	others = split_warm(v, u);
	if (begun)
		atonce_charge(begun, host_touches(others));
}

void unit_died(struct view *v, uint32_t u, bool at_once)
{
	if (at_once)
		unit_kill(v, u);
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
	pace_waits(&v->since);
	v->worth = (uint8_t)policy_worth(n.ndue * view_unit_bytes(v), n.nfresh - n.ndead);
	waiting[v->worth] += n.ndue * view_unit_bytes(v);
	return false;
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
		view_find_late(w, n.due);
		pace_died(n.ndue * view_unit_bytes(w));
	}
	views_retire(v);
}

/*
 * The heap by which it is bounded what waits: what there is, but a small multiple of what lives at the most. For it
 * has the dead, and what was theirs, so each would raise the other: beside a thread that forks, which no
 * sweep does meanwhile, two others had 2 GB wait where 25 MB lived.
 */
static size_t heap_for_bound(void)
{
	size_t n = heap_used_bytes(), waiting = pace_waiting();

	return n > waiting ? MIN(heap_bytes(), 16 * (n - waiting)) : 0;
}

/* Returns the bytes that wait on. */
static size_t sweep_list(struct view *v, bool all)
{
	size_t waiting[WORTHS] = {0}, ndue = 0, left;
	struct view *later = NULL, *next, *due[VIEWS_CLEAN_MAX];
	unsigned cut, pages = 0;

	for (; v; v = next) {
		next = v->dirty_next;
		if (view_is_buried(v)) {
			atomic_store(&v->dirty, 0);
			continue;
		}
		if (view_look(v, waiting))
			continue;
		v->dirty_next = later;
		later = v;
	}
	cut = policy_cut(waiting, pace_most(heap_for_bound()), &left);
	for (v = later; v; v = next) {
		next = v->dirty_next;
		if (!all && v->worth < cut && !pace_is_old(&v->since)) {
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

/* So long an empty extent is kept: sweeps, which empty many at once, come some 0.1 s apart. */
#define EMPTY_NS 1000000000UL

static void looks(void)
{
	static uint64_t looked;
	uint64_t now = clock_ns();

	idle_look();
	if (now - looked < EMPTY_NS)
		return;
	looked = now;
	heap_idle_drop(false);
}

bool sweep_run(bool all)
{
	size_t left;

	if (all)
		lock_take(&sweep_lock);
	else if (!lock_try(&sweep_lock))
		return false;
	pace_begin();
	if (pace_look())
		looks();
	pace_kills_begin();
	left = sweep_list(pending_dirty(), all);
	pace_kills_end(heap_for_bound());
	spent_retire();
	pace_end(left);
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

void sweep_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;

	if (!pace_freed(frees, bytes, heap_for_bound()))
		return;
	lock_section_enter(&s);
	sweep_run(false);
	lock_section_leave(&s);
}
