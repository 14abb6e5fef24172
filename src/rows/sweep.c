/* sweep.c - see sweep.h. app context. */
#include "sweep.h"
#include "census.h"
#include "clean.h"
#include "idle.h"
#include "host/host.h"
#include "base/base.h"
#include "counts.h"
#include "cursors.h"

#include <sys/single_threaded.h>

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

void word_died(struct view *v)
{
	if (!view_is_spent(v))
		return;
	view_spent(v);
	sweep_spent_if_many();
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
	mortal_pending(&v->mortal);
}

/* Whole views are spent, in strict mode the others are done with. */
static bool look(struct mortal *m, size_t *due, unsigned *living)
{
	struct view *v = view_of_mortal(m);
	struct census n;

	view_check(v);
	view_census(v, &n);
	if (n.whole) {
		view_spent(v);
		atomic_store(&m->on[PENDING], 0);
		return false;
	}
	if (mode.strict) {
		views_clean(&v, 1);
		return false;
	}
	*due = n.ndue * view_unit_bytes(v);
	*living = n.nfresh - n.ndead;
	return true;
}

static void clean(struct mortal *list)
{
	struct view *v = view_of_mortal(list), *due[VIEWS_CLEAN_MAX];
	unsigned n = 0, pages = 0;

	while (v) {
		due[n++] = v;
		pages += v->pages;
		v = view_of_mortal(v->mortal.next[PENDING]);
		if (v && n < VIEWS_CLEAN_MAX && pages < VIEWS_CLEAN_MAX * CHUNK_PAGES)
			continue;
		views_clean(due, n);
		n = pages = 0;
	}
}

static void retire(struct mortal *list, bool all)
{
	struct census n;

	for (struct mortal *m = list; m; m = m->next[SPENT]) {
		struct view *v = view_of_mortal(m);

		view_check(v);
		view_census(v, &n);
		panic_if(!n.whole, "a view was to die, and something in it lives");
		rows_counts.units_killed += n.ndue;
		view_find_late(v, n.due);
		pace_died(n.ndue * view_unit_bytes(v));
	}
	views_retire(list);
}

static bool forget(struct mortal *m)
{
	struct view *v = view_of_mortal(m);

	if (mortal_is_held(m, v))
		return false;
	space_entry_forget(v->base, (size_t)v->pages << PAGE_SHIFT);
	view_free(v);
	return true;
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

const struct sweeper rows_sweeper = {heap_for_bound, look, clean, retire, forget, looks, NULL};
