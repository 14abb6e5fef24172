/*
 * alias_free.c - freeing objects: the paths that every free and realloc take.
 *
 * app context. The fast paths take no lock. An object has two bits: its owner, the thread that
 * handed it out, clears one; any other thread sets the other. What is freed already is a double
 * free by either.
 */
#include "alias_paged.h"
#include "meta.h"
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
	if (!slot_find(v, vaddr_of(p), idx))
		return false;
	if (!(view_live_word(v, *idx / 64) >> (*idx % 64) & 1))
		return false;
	/* Live bits are set by the word; one that was not handed out yet is nobody's to free. */
	if (v->rec)
		return v->rec[*idx].alloc_tid != 0;
	return !slot_ahead(v, *idx, vaddr_of(p));
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
	if (unlikely(!tc)) { /* it has not allocated anything yet */
		__atomic_fetch_add(&tcache_shared.frees, 1, __ATOMIC_RELAXED);
		alias_freed(1, bytes);
		return;
	}
	tc->freed_bytes += bytes;
	if (unlikely(++tc->freed >= policy.step || tc->freed_bytes >= FREED_STEP_BYTES))
		freed_report(tc);
}

/*
 * Clears object idx in the bits that only its owner clears; false if it was freed before. One
 * instruction, so that a handler sees it whole; with a lock prefix it would wait for all that
 * the program has stored.
 */
static inline bool clear_mine(struct view *v, uint32_t idx)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(&v->gone, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was;

	__asm__ volatile("btrq %2, %0" : "+m"(v->live[idx / 64]), "=@ccc"(was) : "r"(n) : "memory");
	if (unlikely(gone != NULL))
		was = was && !(gone[idx / 64] >> n & 1);
	return was;
}

/* The bits for all others, made when first needed; NULL: no memory. */
static __attribute__((noinline)) _Atomic uint64_t *view_gone(struct view *v)
{
	_Atomic uint64_t *gone = atomic_load(&v->gone), *made;
	struct lock_section s;

	if (likely(gone != NULL))
		return gone;
	lock_section_enter(&s);
	made = meta_alloc(v->words * sizeof(*made));
	if (made && atomic_compare_exchange_strong(&v->gone, &gone, made))
		gone = made;
	else if (made)
		meta_free((void *)made, v->words * sizeof(*made));
	lock_section_leave(&s);
	return gone;
}

/* The same for any thread. Without memory the owner's bit must do: a unit may be lost by that. */
static inline bool clear_other(struct view *v, uint32_t idx)
{
	_Atomic uint64_t *gone = atomic_load_explicit(&v->gone, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was;

	if (unlikely(!gone))
		gone = view_gone(v);
	if (unlikely(!gone))
		return atomic_fetch_and(&v->live[idx / 64], ~(1UL << n)) >> n & 1;
	__asm__ volatile("lock btsq %2, %0"
			 : "+m"(gone[idx / 64]), "=@ccc"(was)
			 : "r"(n)
			 : "memory");
	return !was && atomic_load_explicit(&v->live[idx / 64], memory_order_relaxed) >> n & 1;
}

/*
 * The owner and another thread may free the last objects of page u at once, and each see the
 * other's alive: then the next sweep looks.
 */
static void page_left(struct view *v, uint32_t u)
{
	uint64_t bit = 1UL << (u % 64);

	if (!(atomic_load(&view_left(v)[u / 64]) & bit))
		atomic_fetch_or(&view_left(v)[u / 64], bit);
	alias_note_dead(v);
}

/* Of a page that is so cut; id: the freeing thread's tcache.id. */
static inline bool page_clear(struct view *v, uint32_t idx, uint32_t cut, uint32_t id)
{
	uint32_t u = idx >> PAGED_SHIFT;
	bool mine = id == cut >> CUT_OWNER_SHIFT;

	if (unlikely(!(mine ? clear_mine(v, idx) : clear_other(v, idx))))
		return false;
	if (unlikely(page_died(v, u, heap_cut[CUT_OF(cut)].slots)))
		alias_unit_died(v, u);
	else if (!mine)
		page_left(v, u);
	return true;
}

static inline bool row_clear(struct view *v, uint32_t idx, uint32_t id)
{
	const struct geom *g = v->geom;
	uint64_t unit = g->group_shift == 6
				? ~0UL
				: ((1UL << geom_group(g)) - 1) << (idx % 64 & ~(geom_group(g) - 1));

	/* With other threads every free takes the bit that tells two at once apart. */
	if (unlikely(!(id == v->owner && __libc_single_threaded ? clear_mine(v, idx)
								: clear_other(v, idx))))
		return false;
	/* Two threads may both find the unit dead: that is harmless. */
	if (!(view_live_word(v, idx / 64) & unit))
		alias_unit_died(v, idx >> g->group_shift);
	return true;
}

/* False if somebody else freed it first. */
static inline bool free_slot(struct view *v, uint32_t idx, bool moved, void *frame)
{
	struct tcache *tc = tcache_mine;
	uint32_t id = tc ? tc->id : TCACHE_NONE + 1;

	if (v->rec)
		record_free(&v->rec[idx], moved, tc ? tc->tid : sys_gettid(), stack_capture(frame));
	if (unlikely(!(v->cut ? page_clear(v, idx, v->cut[idx >> PAGED_SHIFT], id)
			      : row_clear(v, idx, id))))
		return false;
	count_free(tc, view_geom(v, idx >> v->geom->group_shift)->size);
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
	const struct cut *k = &heap_cut[CUT_OF(cut)];

	if (unlikely(!tc || cut >> CUT_OWNER_SHIFT != tc->id ||
		     page_ahead(&tc->cur[CUT_OF(cut) - 1], p)))
		return false;
	if (unlikely(!clear_mine(v, idx)))
		return false;
	if (unlikely(page_died(v, idx >> PAGED_SHIFT, k->slots)))
		alias_unit_died(v, idx >> PAGED_SHIFT);
	count_free(tc, k->size);
	return true;
}

/* Apart from alias_free, so that the shortest way saves no registers. */
static __attribute__((noinline)) void free_view(
	struct view *v, void *p, const char *call, void *frame)
{
	uint32_t idx;

	if (unlikely(!live_find(v, p, &idx) || !free_slot(v, idx, false, frame)))
		report_bad_free(p, call, frame);
}

/* All but the shortest way. */
static __attribute__((noinline)) void free_any(void *p, const char *call, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;
	struct large *l = (struct large *)(e & ~1UL);

	if (unlikely(!e))
		free_elsewhere(p, call, frame);
	else if (likely(!(e & 1)))
		free_view(v, p, call, frame);
	else if (unlikely(l->base != vaddr_of(p) || !large_free(l, false, frame)))
		report_bad_free(p, call, frame);
}

void alias_free(void *p, const char *call, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;

	if (unlikely(!e || e & 1))
		free_any(p, call, frame);
	else if (!v->cut)
		free_view(v, p, call, frame);
	else if (unlikely(!page_free(v, vaddr_of(p))))
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
