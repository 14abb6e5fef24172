/*
 * alias_sweep.c - when the dead die: at once (strict), within bounds (deferred), in groups.
 *
 * app context. A free that leaves a unit without live objects puts its view on the dirty list;
 * a sweep looks through those views, kills what is due in sorted runs, and only then gives the
 * units back to their rows. A view with nothing alive is killed whole, which is cheaper than
 * any of its parts, so views are left alone for one sweep in the hope of that.
 */
#include "alias.h"
#include "mmu.h"
#include "stats.h"
#include "tcache.h"

#include <time.h>

struct lock sweep_lock;

static _Atomic(struct view *) dirty_list;
static _Atomic uint64_t freed_total, freed_bytes_total;
static uint64_t swept_total, swept_bytes_total; /* of them at the last sweep; sweep_lock */
static uint64_t swept_ns;

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

void alias_unit_died(struct view *v, uint32_t u)
{
	if (policy.strict) {
		struct run r = {.lo = view_unit_at(v, u)};

		r.hi = r.lo + ((vaddr_t)v->geom->unit_pages << PAGE_SHIFT);
		if (!mmu->runs_kill(v->base, v->pages, &r, 1))
			atomic_fetch_or(&view_revoked(v)[u / 64], 1UL << (u % 64));
	}
	alias_note_dead(v);
}

/* Units of v that were handed out and have nothing alive. */
static void dead_units(struct view *v, uint64_t *dead)
{
	unsigned shift = v->geom->group_shift;
	uint32_t handed = atomic_load_explicit(&v->handed, memory_order_acquire);
	uint32_t units = MIN((uint32_t)v->units, (handed * 64) >> shift);

	for (unsigned w = 0; w < view_uwords(v); w++)
		dead[w] = 0;
	if (!shift) {
		for (unsigned w = 0; w < handed; w++)
			dead[w] = view_fresh(v)[w] & ~atomic_load(&v->live[w]);
		return;
	}
	for (uint32_t u = 0; u < units; u++) {
		uint64_t group = shift == 6 ? ~0UL : (1UL << (1U << shift)) - 1;
		uint32_t at = u << shift;

		if (!(atomic_load(&v->live[at / 64]) >> (at % 64) & group))
			dead[u / 64] |= 1UL << (u % 64);
	}
	for (unsigned w = 0; w < view_uwords(v); w++)
		dead[w] &= view_fresh(v)[w];
}

static bool kill_is_due(struct view *v, unsigned ndead, bool all)
{
	if (all || policy.strict)
		return true;
	/* Grouped promises no time: wait until most of the view goes, or memory is short. */
	if (policy.grouped && ndead * 4 < v->units * 3U && v->age < 8)
		return false;
	return v->age > 0;
}

/* Kills the units in mask, in runs. Those that died get their bit in revoked. */
static void kill_units(struct view *v, const uint64_t *mask)
{
	struct run runs[64];
	uint32_t n = 0, u = 0;
	bool ok = true;

	while (u < v->units) {
		uint32_t from;

		if (!(mask[u / 64] >> (u % 64))) {
			u = (u / 64 + 1) * 64;
			continue;
		}
		if (!(mask[u / 64] >> (u % 64) & 1)) {
			u++;
			continue;
		}
		from = u;
		while (u < v->units && (mask[u / 64] >> (u % 64) & 1))
			u++;
		runs[n++] = (struct run){view_unit_at(v, from), view_unit_at(v, u)};
		stats.units_killed += u - from;
		if (n == ARRAY_LEN(runs)) {
			ok &= !mmu->runs_kill(v->base, v->pages, runs, n);
			stats.runs_killed += n;
			n = 0;
		}
	}
	if (n)
		ok &= !mmu->runs_kill(v->base, v->pages, runs, n);
	stats.runs_killed += n;
	if (!ok)
		return;
	for (unsigned w = 0; w < view_uwords(v); w++)
		atomic_fetch_or(&view_revoked(v)[w], mask[w]);
}

static void release_units(struct view *v)
{
	uint64_t back[EXTENT_PAGES / 64], any = 0;
	struct class *c = &heap_class[v->geom->cls];

	for (unsigned w = 0; w < view_uwords(v); w++) {
		back[w] = atomic_load(&view_revoked(v)[w]) & ~view_released(v)[w];
		view_released(v)[w] |= back[w];
		any |= back[w];
	}
	if (!any)
		return;
	lock_take(&c->lock);
	heap_row_give(c, v->row, back);
	lock_drop(&c->lock);
}

static void view_sweep(struct view *v, bool all)
{
	uint64_t dead[EXTENT_PAGES / 64], due[EXTENT_PAGES / 64], any = 0;
	unsigned uwords = view_uwords(v), ndead = 0;
	bool whole = v->handed == v->words;

	if (v->state == VIEW_DEAD)
		return;
	dead_units(v, dead);
	for (unsigned w = 0; w < uwords; w++) {
		whole = whole && dead[w] == view_fresh(v)[w];
		due[w] = dead[w] & ~atomic_load(&view_revoked(v)[w]);
		any |= due[w];
		ndead += (unsigned)__builtin_popcountl(due[w]);
	}
	if (whole) {
		stats.units_killed += ndead;
		view_retire(v);
		return;
	}
	if (any && !kill_is_due(v, ndead, all)) {
		v->age++;
		alias_note_dead(v);
		return;
	}
	v->age = 0;
	if (any)
		kill_units(v, due);
	release_units(v);
}

bool alias_sweep(bool all)
{
	uint32_t is = 0;
	struct view *v;

	if (all)
		lock_take(&sweep_lock);
	else if (!atomic_compare_exchange_strong(&sweep_lock.word, &is, 1))
		return false;
	swept_total = atomic_load(&freed_total);
	swept_bytes_total = atomic_load(&freed_bytes_total);
	swept_ns = clock_ns();
	v = atomic_exchange(&dirty_list, NULL);
	while (v) {
		struct view *next = v->dirty_next;

		atomic_store(&v->dirty, 0);
		view_sweep(v, all);
		v = next;
	}
	stats.sweeps++;
	lock_drop(&sweep_lock);
	return true;
}

/* Half of every bound: what is left alone at one sweep dies at the next. */
static bool sweep_is_due(uint64_t frees, uint64_t bytes)
{
	uint64_t bound = policy.strict ? 512 : policy.defer_frees / 2;

	return frees - swept_total >= bound ||
	       bytes - swept_bytes_total >= policy.defer_bytes / 2 ||
	       clock_ns() - swept_ns >= policy.defer_ns / 2;
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
