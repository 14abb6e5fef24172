/*
 * alias_free.c - freeing objects: the paths that every free and realloc take.
 *
 * app context. The fast paths take no lock; a bit that was cleared already is a double free.
 */
#include "alias_paged.h"
#include "mmu.h"
#include "report.h"
#include "tcache.h"

#include <sys/single_threaded.h>

/* Which object starts exactly at a? False if none does. */
static inline bool slot_find(const struct view *v, vaddr_t a, uint32_t *idx)
{
	const struct geom *g = v->geom;
	size_t d = a - v->base;
	uint32_t u, off, j;

	if (d >= (size_t)v->pages << PAGE_SHIFT)
		return false;
	if (v->cut)
		return page_slot(v, d, idx) != 0;
	if (g->unit_pages != 1) {
		u = geom_div((uint32_t)(d >> PAGE_SHIFT), g->inv_unit);
		*idx = u;
		return u < v->units && d == (size_t)u * g->unit_pages << PAGE_SHIFT;
	}
	u = (uint32_t)(d >> PAGE_SHIFT);
	off = (uint32_t)(d & (PAGE_SIZE - 1)) - geom_band_at(g, v->row_idx, u);
	if (off >= g->band)
		return false;
	j = geom_div(off, g->inv_size);
	*idx = (u << g->group_shift) + j;
	return off == j * g->size;
}

/* The live object that starts at p, or false. */
static inline bool live_find(struct view *v, void *p, uint32_t *idx)
{
	struct tcache *tc = tcache_mine;

	if (!slot_find(v, vaddr_of(p), idx))
		return false;
	if (!(atomic_load_explicit(&v->live[*idx / 64], memory_order_relaxed) >> (*idx % 64) & 1))
		return false;
	/* Live bits are set by the word; one that was not handed out yet is nobody's to free. */
	if (v->rec)
		return v->rec[*idx].alloc_tid != 0;
	if (tc) {
		const struct cursor *c = &tc->cur[view_geom(v, *idx >> v->geom->group_shift)->cls];

		if (v->cut)
			return !page_ahead(c, vaddr_of(p));
		return !(c->view == v && c->word == *idx / 64 && (c->mask >> (*idx % 64) & 1));
	}
	return true;
}

/* What a thread freed is reported by the step, or by 64 KB. */
#define FREED_STEP_BYTES (64UL << 10)

static __attribute__((noinline)) void freed_report(struct tcache *tc)
{
	uint32_t n = tc->freed;
	size_t bytes = tc->freed_bytes;

	tc->frees += n;
	tc->freed = 0;
	tc->freed_bytes = 0;
	alias_freed(n, bytes);
}

static inline void count_free(struct tcache *tc, size_t bytes)
{
	if (unlikely(!tc)) {
		alias_freed(1, bytes);
		return;
	}
	tc->freed_bytes += bytes;
	if (unlikely(++tc->freed >= policy.step || tc->freed_bytes >= FREED_STEP_BYTES))
		freed_report(tc);
}

/*
 * Clears bit n and tells whether it was set. One instruction either way, so that a handler sees
 * it whole; the lock prefix waits for all the program's stores and is only for threads.
 */
static inline bool live_clear(_Atomic uint64_t *word, uint64_t n)
{
	bool was;

	if (__libc_single_threaded)
		__asm__ volatile("btrq %2, %0" : "+m"(*word), "=@ccc"(was) : "r"(n) : "memory");
	else
		__asm__ volatile("lock btrq %2, %0"
				 : "+m"(*word), "=@ccc"(was)
				 : "r"(n)
				 : "memory");
	return was;
}

/* False if somebody else freed it first. */
static inline bool free_slot(struct view *v, uint32_t idx, bool moved, void *frame)
{
	const struct geom *g = v->geom;
	_Atomic uint64_t *word = &v->live[idx / 64];
	uint64_t unit;
	uint32_t u = idx >> g->group_shift;

	if (v->rec)
		record_free(&v->rec[idx], moved, tcache_mine ? tcache_mine->tid : sys_gettid(),
			stack_capture(frame));
	if (unlikely(!live_clear(word, idx % 64)))
		return false;
	if (v->cut) {
		g = view_geom(v, u);
		if (page_died(v, u, g->slots))
			alias_unit_died(v, u);
		count_free(tcache_mine, g->size);
		return true;
	}
	unit = g->group_shift == 6
		       ? ~0UL
		       : ((1UL << geom_group(g)) - 1) << (idx % 64 & ~(geom_group(g) - 1));
	/* Two threads may both find the unit dead: that is harmless. */
	if (!(atomic_load_explicit(word, memory_order_relaxed) & unit))
		alias_unit_died(v, u);
	count_free(tcache_mine, g->size);
	return true;
}

/* Not in the engine's addresses. */
static __attribute__((noinline)) void free_elsewhere(void *p, const char *call, void *frame)
{
	if (!heap_other)
		report_bad_free(p, call, frame);
	heap_other->free_as(p, call, frame);
}

/* Frees p of a paged view; false if that is not as simple as it mostly is. */
static inline bool page_free(struct view *v, vaddr_t p)
{
	struct tcache *tc = tcache_mine;
	uint32_t idx, cut = page_slot(v, p - v->base, &idx);

	if (unlikely(!cut || !tc || page_ahead(&tc->cur[cut - 1], p)))
		return false;
	if (unlikely(!live_clear(&v->live[idx / 64], idx % 64)))
		return false;
	if (unlikely(page_died(v, idx >> PAGED_SHIFT, heap_cut[cut].slots)))
		alias_unit_died(v, idx >> PAGED_SHIFT);
	count_free(tc, heap_cut[cut].size);
	return true;
}

/* All but the shortest way. */
static __attribute__((noinline)) void free_any(void *p, const char *call, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (unlikely(!e)) {
		free_elsewhere(p, call, frame);
		return;
	}
	if (likely(!(e & 1))) {
		if (likely(live_find(v, p, &idx) && free_slot(v, idx, false, frame)))
			return;
	} else if (l->base == vaddr_of(p) && large_free(l, false, frame)) {
		return;
	}
	report_bad_free(p, call, frame);
}

void alias_free(void *p, const char *call, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;
	uint32_t idx;

	if (likely(e && !(e & 1))) {
		if (v->cut ? page_free(v, vaddr_of(p))
			   : live_find(v, p, &idx) && free_slot(v, idx, false, frame))
			return;
	}
	free_any(p, call, frame);
}

size_t alias_usable(void *p)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (e && !(e & 1)) {
		struct view *v = (struct view *)e;

		if (live_find(v, p, &idx))
			return view_geom(v, idx >> v->geom->group_shift)->size;
	} else if (e && l->base == vaddr_of(p) && !l->dead) {
		return l->len;
	} else if (heap_other) {
		return heap_other->usable(p);
	}
	report_bad_free(p, "malloc_usable_size", __builtin_frame_address(0));
}

static void *realloc_view(struct view *v, uint32_t idx, void *p, size_t size, void *frame)
{
	size_t slot = view_geom(v, idx >> v->geom->group_shift)->size;
	void *q;

	if (size <= slot && (size > slot / 2 || slot <= 64)) {
		if (v->rec)
			record_resize(&v->rec[idx], slot, size);
		return p;
	}
	q = alias_alloc(size, false, frame);
	if (!q)
		return NULL;
	__builtin_memcpy(q, p, MIN(size, slot));
	if (!free_slot(v, idx, true, frame))
		report_bad_free(p, "realloc", frame);
	return q;
}

void *alias_realloc(void *p, size_t size, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (e && !(e & 1)) {
		if (live_find((struct view *)e, p, &idx))
			return realloc_view((struct view *)e, idx, p, size, frame);
	} else if (e && l->base == vaddr_of(p) && !l->dead) {
		return large_realloc(l, size, frame);
	} else if (heap_other) {
		return heap_other->realloc(p, size, frame);
	}
	report_bad_free(p, "realloc", frame);
}
