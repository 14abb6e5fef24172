/*
 * clean.c - how what is dead in a view dies there, with the living around it.
 *
 * app context, sweep_lock held. The dead units of a view are killed in sorted runs, after one
 * message to the other processors for several views where that pays; only then do they go back to
 * their row.
 */
#include "clean.h"
#include "census.h"
#include "host/host.h"
#include "counts.h"

#include <sys/single_threaded.h>

/* Kills the units in mask, in runs. Those that died get their bit in revoked. */
static void kill_units(struct view *v, const uint64_t *mask)
{
	struct run runs[64];
	uint32_t n, u = 0;
	bool ok = true;

	while ((n = view_runs(v, mask, &u, runs, ARRAY_LEN(runs))) != 0) {
		ok &= !host_runs_kill(v->base, v->pages, runs, n);
		rows_counts.runs_killed += n;
	}
	if (!ok) {
		v->torn = true;
		return;
	}
	for (unsigned w = 0; w < view_uwords(v); w++) {
		rows_counts.units_killed += (unsigned)__builtin_popcountl(mask[w]);
		atomic_fetch_or(&view_revoked(v)[w], mask[w]);
	}
}

/* Survivors among freshly killed neighbours lost their page-table entries: fetch them by 64 KB. */
static void warm_survivors(struct view *v, const uint64_t *dead)
{
	struct run runs[EXTENT_PAGES_MAX / 16];
	uint32_t n = 0;

	if (v->geom->unit_pages > 4 || view_is_private(v))
		return;
	for (uint32_t u = 0; u + 16 <= v->units; u += 16) {
		uint64_t alive = ~(dead[u / 64] | view_released(v)[u / 64]) & view_fresh(v)[u / 64];

		alive = alive >> (u % 64) & 0xffff;
		if (__builtin_popcountl(alive) < 3)
			continue;
		u += (uint32_t)__builtin_ctzl(alive);
		runs[n++] = (struct run){view_unit_at(v, u), view_unit_at(v, u + 1)};
		u &= ~15U;
	}
	if (n)
		host_runs_warm(runs, n);
}

/* Kills everything dead in v. Frees that come later put it on the list of the pending again. */
static void view_clean(struct view *v)
{
	struct census n;

	v->mortal.since.frees = 0;
	atomic_store(&v->mortal.on[PENDING], 0);
	view_census(v, &n); /* a free after the first count may have seen it pending */
	if (n.whole) {
		view_spent(v);
		return;
	}
	if (n.ndue)
		kill_units(v, n.due);
	if (n.ndue > 16 && !mode.strict)
		warm_survivors(v, n.dead);
	view_release(v);
	view_check(v);
	/*
	 * The short way clears its bit without a lock prefix: while others run, it may have seen
	 * the view pending, and its bit not be seen here. So the view is looked at again.
	 */
	if (v->simple && !__libc_single_threaded)
		mortal_pending(&v->mortal);
}

/*
 * Many kills are on their way. The kernel tells the other processors of each run apart, but of all
 * pages of one range at once (Linux >= 6.16: of several, where they are huge): so a view is emptied
 * as one, and its living come back when they are touched. Where the dead are few, its other pages
 * stay as they are.
 */
#define RUNS_FEW 2

static void views_empty(struct view *const *views, size_t n)
{
	struct run runs[VIEWS_CLEAN_MAX * RUNS_FEW + 1];
	size_t nruns = 0;
	bool many = false;

	for (size_t i = 0; i < n; i++) {
		struct view *v = views[i];
		struct census c;
		uint32_t u = 0, few;

		view_census(v, &c);
		/* While their pages are there: to fetch them again is dear. */
		view_find_late(v, c.due);
		if (v->own || view_is_private(v))
			continue; /* what lives there would lose its bytes */
		few = view_runs(v, c.due, &u, &runs[nruns], RUNS_FEW + 1);
		if (few > RUNS_FEW) {
			runs[nruns] = (struct run){
				v->base, v->base + ((vaddr_t)v->pages << PAGE_SHIFT)};
			few = 1;
			many = true;
		}
		nruns += few;
	}
	if (many || nruns > 1)
		host_runs_empty(runs, nruns);
}

/*
 * One guard in a mapping makes its pages come back one by one. Without it the first of the living
 * that another thread touches would bring all of them back, and each kill its own message.
 */
static void view_split(struct view *v)
{
	struct census c;

	view_census(v, &c);
	for (uint32_t lo = 0, hi; lo < v->units && !c.whole; lo = hi) {
		uint32_t u = bits_next(c.due, lo, v->units);
		uint8_t bit = view_split_bit(lo);

		hi = MIN(lo + CHUNK_PAGES, (uint32_t)v->units);
		if (u < hi && !(atomic_fetch_or(&v->split, bit) & bit)) {
			struct run r = {view_unit_at(v, u), view_unit_at(v, u + 1)};

			host_runs_kill(v->base, v->pages, &r, 1);
		}
	}
}

void views_clean(struct view *const *views, size_t n)
{
	views_empty(views, n);
	for (size_t i = 0; i < n; i++)
		view_split(views[i]);
	for (size_t i = 0; i < n; i++)
		view_clean(views[i]);
}
