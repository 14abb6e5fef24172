/*
 * alias_sweep.c - when the dead die: at once (strict), within bounds (deferred), in groups.
 *
 * app context. A free that leaves a unit without live objects puts its view on the dirty list;
 * a sweep looks through those views, kills what is due in sorted runs, and only then gives the
 * units back to their rows. A view with nothing alive is killed whole, which is cheaper than
 * any of its parts, so views are left alone for one sweep in the hope of that.
 */
#include "alias_paged.h"
#include "mmu.h"
#include "stats.h"
#include "tcache.h"

#include <sys/single_threaded.h>
#include <time.h>

struct lock sweep_lock;

static _Atomic(struct view *) dirty_list;
static _Atomic uint64_t freed_total, freed_bytes_total;
static uint64_t swept_total, swept_bytes_total; /* of them at the last sweep; sweep_lock */
static uint64_t swept_ns;
static uint32_t swept_views; /* left waiting by it */

static uint64_t clock_ns(void)
{
	struct timespec t = {0};

	sys_call3(__NR_clock_gettime, CLOCK_MONOTONIC_COARSE, (long)&t, 0);
	return (uint64_t)t.tv_sec * 1000000000UL + (uint64_t)t.tv_nsec;
}

void alias_note_dead(struct view *v)
{
	struct view *head;

	if (atomic_load(&v->dirty) || atomic_exchange(&v->dirty, 1))
		return;
	head = atomic_load(&dirty_list);
	do
		v->dirty_next = head;
	while (!atomic_compare_exchange_weak(&dirty_list, &head, v));
}

/*
 * The first kill inside a huge mapping empties all of it. Fetching the other pages at once costs
 * less than ten faults of the 511 to come.
 */
static void split_warm(struct view *v, const struct run *r)
{
	vaddr_t end = v->base + ((vaddr_t)v->pages << PAGE_SHIFT);

	if (r->lo > v->base)
		mmu->view_warm(v->base, (unsigned)((r->lo - v->base) >> PAGE_SHIFT));
	if (r->hi < end)
		mmu->view_warm(r->hi, (unsigned)((end - r->hi) >> PAGE_SHIFT));
}

/* Those of the object, or the page, that begins at u. */
static void pages_died(struct view *v, uint32_t u)
{
	for (uint32_t n = heap_cut[CUT_OF(v->cut[u])].pages; n--; u++)
		atomic_fetch_or(&view_dead(v)[u / 64], 1UL << (u % 64));
}

void alias_unit_died(struct view *v, uint32_t u)
{
	if (v->cut)
		pages_died(v, u);
	if (policy.strict) {
		struct run r = {.lo = view_unit_at(v, u)};

		r.hi = r.lo + ((vaddr_t)v->geom->unit_pages << PAGE_SHIFT);
		if (!mmu->runs_kill(v->base, v->pages, &r, 1))
			atomic_fetch_or(&view_revoked(v)[u / 64], 1UL << (u % 64));
		if (v->geom->unit_pages == 1 && heap_chunk_is_huge(v->chunk) &&
			!atomic_exchange(&v->split, true))
			split_warm(v, &r);
	}
	alias_note_dead(v);
}

/* Paged: the dead of 64 units, those among them that no thread found dead. */
static uint64_t pages_dead(struct view *v, unsigned w)
{
	uint64_t left = atomic_load(&view_left(v)[w]) & ~atomic_load(&view_dead(v)[w]);

	for (; left; left &= left - 1) {
		uint32_t u = w * 64 + (uint32_t)__builtin_ctzl(left);

		if (page_died(v, u, heap_cut[CUT_OF(v->cut[u])].slots))
			pages_died(v, u);
	}
	return atomic_load(&view_dead(v)[w]);
}

/* Has it pages that must be looked at again, though nobody may free anything there? */
static bool pages_watched(struct view *v)
{
	uint64_t any = 0;

	for (unsigned w = 0; v->cut && w < view_uwords(v); w++)
		any |= view_left(v)[w] & ~view_dead(v)[w];
	return any;
}

/* Units of v that were handed out and have nothing alive. */
static void dead_units(struct view *v, uint64_t *dead)
{
	unsigned shift = v->geom->group_shift;
	uint32_t handed = atomic_load_explicit(&v->handed, memory_order_acquire);
	uint32_t units = MIN((uint32_t)v->units, (handed * 64) >> shift);

	for (unsigned w = 0; w < view_uwords(v); w++)
		dead[w] = v->cut ? pages_dead(v, w) : 0;
	if (v->cut)
		return;
	if (!shift) {
		for (unsigned w = 0; w < handed; w++)
			dead[w] = view_fresh(v)[w] & ~view_live_word(v, w);
		return;
	}
	for (uint32_t u = 0; u < units; u++) {
		uint64_t group = shift == 6 ? ~0UL : (1UL << (1U << shift)) - 1;
		uint32_t at = u << shift;

		if (!(view_live_word(v, at / 64) >> (at % 64) & group))
			dead[u / 64] |= 1UL << (u % 64);
	}
	for (unsigned w = 0; w < view_uwords(v); w++)
		dead[w] &= view_fresh(v)[w];
}

/* Kills the units in mask, in runs. Those that died get their bit in revoked. */
static void kill_units(struct view *v, const uint64_t *mask)
{
	struct run runs[64];
	uint32_t n, u = 0;
	bool ok = true;

	while ((n = view_runs(v, mask, &u, runs, ARRAY_LEN(runs))) != 0) {
		ok &= !mmu->runs_kill(v->base, v->pages, runs, n);
		stats.runs_killed += n;
	}
	if (!ok)
		return;
	for (unsigned w = 0; w < view_uwords(v); w++) {
		stats.units_killed += (unsigned)__builtin_popcountl(mask[w]);
		atomic_fetch_or(&view_revoked(v)[w], mask[w]);
	}
}

/* Survivors among freshly killed neighbours lost their page-table entries: fetch them by 64 KB. */
static void warm_survivors(struct view *v, const uint64_t *dead)
{
	struct run runs[EXTENT_PAGES / 16];
	uint32_t n = 0;

	if (v->geom->unit_pages > 4)
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
		mmu->runs_warm(runs, n);
}

/* What is dead in a view, and what of that was not killed yet. */
struct census {
	uint64_t dead[EXTENT_PAGES / 64], due[EXTENT_PAGES / 64];
	unsigned ndead, ndue, nfresh;
	bool whole;
};

static void view_count(struct view *v, struct census *n)
{
	n->ndead = n->ndue = n->nfresh = 0;
	n->whole = v->handed == (v->cut ? v->units : v->words);
	dead_units(v, n->dead);
	for (unsigned w = 0; w < view_uwords(v); w++) {
		n->due[w] = n->dead[w] & ~atomic_load(&view_revoked(v)[w]);
		n->ndead += (unsigned)__builtin_popcountl(n->dead[w]);
		n->ndue += (unsigned)__builtin_popcountl(n->due[w]);
		n->nfresh += (unsigned)__builtin_popcountl(view_fresh(v)[w]);
	}
	n->whole = n->whole && n->ndead == n->nfresh;
}

/* Whole views die together at the end of the sweep; they stay dirty until then. */
static struct view *doomed;

static void view_doom(struct view *v, const struct census *n)
{
	stats.units_killed += n->ndue;
	v->dirty_next = doomed;
	doomed = v;
}

/* Kills everything dead in v. Frees that come later put it on the dirty list again. */
static void view_clean(struct view *v)
{
	struct census n;

	v->age = 0;
	view_count(v, &n);
	if (n.whole) {
		view_doom(v, &n);
		return;
	}
	atomic_store(&v->dirty, 0);
	view_count(v, &n); /* a free after the first count may have seen dirty */
	if (n.ndue)
		kill_units(v, n.due);
	if (n.ndue > 16 && !policy.strict)
		warm_survivors(v, n.dead);
	alias_release(v);
	if (pages_watched(v))
		alias_note_dead(v);
}

/*
 * Many kills are on their way: one message to the other processors must do for all of them. Where
 * they are few in a view, its other pages stay as they are. Other threads would bring emptied pages
 * back before the kills; so then each view is emptied by itself, but for grouped, where few of
 * them are alive.
 */
#define BATCH	 32
#define RUNS_FEW 2

static void views_empty(struct view *const *views, size_t n)
{
	struct run runs[BATCH * RUNS_FEW + 1];
	size_t nruns = 0;
	bool many = false;

	for (size_t i = 0; i < n; i++) {
		struct view *v = views[i];
		struct census c;
		uint32_t u = 0, few;

		view_count(v, &c);
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
		mmu->runs_empty(runs, nruns);
}

static void views_clean(struct view *const *views, size_t n)
{
	views_empty(views, n);
	for (size_t i = 0; i < n; i++)
		view_clean(views[i]);
}

#define AGES 4 /* a sweep comes every quarter of a bound */

/*
 * First look: whole views are doomed, in strict mode the others are done with; true for both.
 * What waits in the others is added to waiting[]: grouped promises no time, so there the
 * emptiest views are cleaned first, and only for memory's sake.
 */
static bool view_look(struct view *v, size_t waiting[11])
{
	struct census n;

	view_count(v, &n);
	if (n.whole) {
		view_doom(v, &n);
		return true;
	}
	if (policy.strict) {
		view_clean(v);
		return true;
	}
	v->full = (uint8_t)(n.ndue * 10 / n.nfresh);
	waiting[v->full] += (size_t)n.ndue * v->geom->band;
	return false;
}

static void views_wait(struct view *v)
{
	struct view *head = atomic_load(&dirty_list);

	v->age = (uint8_t)MIN(v->age + 1, 100);
	do
		v->dirty_next = head;
	while (!atomic_compare_exchange_weak(&dirty_list, &head, v));
}

/* From how many tenths dead on a view is cleaned, if `waiting` bytes by tenths are to shrink. */
static unsigned grouped_cut(const size_t waiting[11])
{
	size_t allowed = MAX(heap_bytes() / 2, 16UL << 20), sum = 0;
	unsigned cut = 9;

	for (unsigned t = 0; t < 9; t++)
		sum += waiting[t];
	while (cut > 2 && sum > allowed)
		sum -= waiting[--cut];
	return cut;
}

static void sweep_list(struct view *v, bool all)
{
	size_t waiting[11] = {0};
	struct view *later = NULL, *next, *due[BATCH];
	size_t ndue = 0, batch;
	unsigned cut;

	batch = policy.grouped || __libc_single_threaded ? BATCH : 1;
	swept_views = 0;
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
	cut = grouped_cut(waiting);
	for (v = later; v; v = next) {
		next = v->dirty_next;
		if (all || (policy.grouped ? v->full >= cut : v->age >= AGES - 1)) {
			due[ndue++] = v;
			if (ndue == batch) {
				views_clean(due, ndue);
				ndue = 0;
			}
		} else {
			views_wait(v);
			swept_views++;
		}
	}
	views_clean(due, ndue);
	views_retire(doomed);
	doomed = NULL;
	alias_settle(all);
}

bool alias_sweep(bool all)
{
	uint32_t is = 0;

	if (all)
		lock_take(&sweep_lock);
	else if (!atomic_compare_exchange_strong(&sweep_lock.word, &is, 1))
		return false;
	swept_total = atomic_load(&freed_total);
	swept_bytes_total = atomic_load(&freed_bytes_total);
	swept_ns = clock_ns();
	sweep_list(atomic_exchange(&dirty_list, NULL), all);
	stats.sweeps++;
	lock_drop(&sweep_lock);
	return true;
}

/* A quarter of every bound: what is left alone at three sweeps dies at the fourth. */
static bool sweep_is_due(uint64_t frees, uint64_t bytes)
{
	static _Atomic uint32_t looks;
	uint64_t bound = policy.strict ? 512 : policy.defer_frees / AGES;

	if (policy.grouped) /* looking has its price too */
		bound = MAX(bound, swept_views * 32UL);
	if (frees - swept_total >= bound || bytes - swept_bytes_total >= policy.defer_bytes / AGES)
		return true;
	/* The clock is a system call: not every time. */
	return atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed) % 8 == 0 &&
	       clock_ns() - swept_ns >= policy.defer_ns / AGES;
}

void alias_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;
	uint64_t f = atomic_fetch_add(&freed_total, frees) + frees;
	uint64_t b = atomic_fetch_add(&freed_bytes_total, bytes) + bytes;

	if (!sweep_is_due(f, b))
		return;
	lock_section_enter(&s);
	alias_sweep(false);
	lock_section_leave(&s);
}
