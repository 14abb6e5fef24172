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
		return u < v->units && a == view_slot_at(v, u);
	}
	u = (uint32_t)(d >> PAGE_SHIFT);
	off = (uint32_t)(d & (PAGE_SIZE - 1)) - geom_band_at(g, v->place, u);
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
	uint64_t freed = tc->freed;

	tc->freed = 0;
	tc->frees += FREED_COUNT(freed);
	alias_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

static inline void count_free(struct tcache *tc, size_t bytes)
{
	uint64_t freed = tc->freed + FREED_ONE + bytes;

	tc->freed = freed;
	if (unlikely(FREED_COUNT(freed) >= policy.step || FREED_BYTES(freed) >= FREED_STEP_BYTES))
		freed_report(tc);
}

/*
 * Clears bit n of *word, which only one thread clears; what was it? One instruction, so that a
 * handler sees it whole; with a lock prefix it would wait for all that the program has stored.
 */
static inline bool bit_clear(_Atomic uint64_t *word, uint64_t n)
{
	bool was;

	__asm__ volatile("btrq %2, %0" : "+m"(*word), "=@ccc"(was) : "r"(n) : "memory");
	return was;
}

/* Clears object idx in the bits that only its owner clears; false if it was freed before. */
static inline bool clear_mine(struct view *v, uint32_t idx)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(&v->gone, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was = bit_clear(&v->live[idx / 64], n);

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
	uint32_t u = paged_unit(idx);
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
	uint64_t live, unit = g->group_shift == 6 ? ~0UL
						  : ((1UL << geom_group(g)) - 1)
							    << (idx % 64 & ~(geom_group(g) - 1));

	/*
	 * Where a double free is to be told at once, and there are other threads, every free takes
	 * the bit that tells two at the same instant apart.
	 */
	if (unlikely(!(id == v->owner && (v->simple || __libc_single_threaded)
			       ? clear_mine(v, idx)
			       : clear_other(v, idx))))
		return false;
	/* Two threads may both find the unit dead: that is harmless. */
	live = view_live_word(v, idx / 64);
	if (!(live & unit))
		alias_unit_died(v, idx >> g->group_shift);
	if (unlikely(!live))
		alias_look_spent(v);
	return true;
}

static inline bool slot_clear(struct view *v, uint32_t idx, uint32_t id)
{
	return v->cut ? page_clear(v, idx, v->cut[paged_unit(idx)], id) : row_clear(v, idx, id);
}

/* By a thread that has not allocated anything yet. */
static __attribute__((noinline)) bool free_slot_uncached(struct view *v, uint32_t idx, size_t size)
{
	bool was;

	atomic_fetch_add(&tcache_none_in, 1);
	was = slot_clear(v, idx, TCACHE_NONE + 1);
	atomic_fetch_sub(&tcache_none_in, 1);
	if (!was)
		return false;
	__atomic_fetch_add(&tcache_shared.frees, 1, __ATOMIC_RELAXED);
	alias_freed(1, size);
	return true;
}

/* False if somebody else freed it first. */
static inline bool free_slot(struct view *v, uint32_t idx, bool moved, void *frame)
{
	size_t size = view_geom(v, view_unit_of(v, idx))->size;
	struct tcache *tc = tcache_mine;

	if (v->rec)
		record_free(&v->rec[idx], moved, tc ? tc->tid : sys_gettid(), stack_capture(frame));
	if (unlikely(!tc))
		return free_slot_uncached(v, idx, size);
	tcache_enter(tc, v);
	if (unlikely(!slot_clear(v, idx, tc->id)))
		return false;
	count_free(tc, size);
	return true;
}

/* Not in the engine's addresses. */
static __attribute__((noinline)) void free_elsewhere(void *p, const char *call, void *frame)
{
	if (!heap_other)
		report_bad_free(p, call, frame);
	heap_other->free_as(p, call, frame);
}

static void free_view(struct view *v, void *p, const char *call, void *frame)
{
	uint32_t idx;

	if (unlikely(!live_find(v, p, &idx) || !free_slot(v, idx, false, frame)))
		report_bad_free(p, call, frame);
}

void alias_free_any(void *p, const char *call, void *frame)
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

/*
 * The shortest ways, of a thread that frees what it has from malloc. All else they leave by a jump,
 * so that they save no registers: the store buffer is full of the program's own stores.
 */

/* Entered by jumps only: its frame is where free was called. */
static __attribute__((noinline)) void free_rest(void *p)
{
	alias_free_any(p, "free", __builtin_frame_address(0));
	frame_kept(NULL);
}

/* An object of page u, of the class of c, is freed; the page may have died. */
static __attribute__((noinline)) void page_freed(
	struct view *v, uint32_t u, struct tcache *tc, const struct cursor *c)
{
	if (page_died(v, u, c->slots))
		alias_unit_died(v, u);
	count_free(tc, c->size);
}

/* Object idx, of the class of c, where others have freed some, too. */
static __attribute__((noinline)) void page_free_shared(
	struct view *v, void *p, uint32_t idx, const struct cursor *c)
{
	struct tcache *tc = tcache_mine;

	tcache_enter(tc, v);
	if (unlikely(!clear_mine(v, idx)))
		return free_rest(p);
	page_freed(v, paged_unit(idx), tc, c);
}

/* What the class is cut into stands in the cursor, too. Of what is never cut so, slots is 0. */
static inline void page_free(struct view *v, void *p)
{
	struct tcache *tc = tcache_mine;
	size_t d = vaddr_of(p) - v->base, u = d >> PAGE_SHIFT, off = d & (PAGE_SIZE - 1), j;
	uint32_t cut = v->cut[u];
	const struct cursor *c;

	if (unlikely(!tc || cut >> CUT_OWNER_SHIFT != tc->id))
		return free_rest(p);
	c = &tc->cur[CUT_OF(cut) - 1];
	__asm__("" : "+r"(c)); /* not by its index, which would take a register more */
	j = off * c->inv_size >> 32;
	if (unlikely(off != j * c->size || j >= c->slots || page_ahead(c, vaddr_of(p))))
		return free_rest(p);
	if (unlikely(v->gone != NULL))
		return page_free_shared(v, p, paged_idx((uint32_t)u, (uint32_t)j), c);
	tcache_enter(tc, v);
	if (unlikely(!bit_clear(&v->live[u + (j >> 6) * CHUNK_PAGES], j & 63)))
		return free_rest(p);
	if (unlikely(!v->live[u + (j >> 6) * CHUNK_PAGES]))
		return page_freed(v, (uint32_t)u, tc, c);
	count_free(tc, c->size);
}

/* Object u of a view of single objects is freed. */
static __attribute__((noinline)) void row_freed(struct view *v, size_t u, struct tcache *tc)
{
	alias_note_dead(v);
	if (!view_live_word(v, (uint32_t)u / 64))
		alias_look_spent(v);
	count_free(tc, v->geom->size);
}

/* What is d bytes into the view: so it takes one register less to know. */
static __attribute__((noinline)) void row_free_rest(struct view *v, size_t d)
{
	free_rest(vaddr_ptr(v->base + d));
}

static __attribute__((noinline)) void row_free_shared(struct view *v, size_t d)
{
	struct tcache *tc = tcache_mine;

	tcache_enter(tc, v);
	if (unlikely(!clear_mine(v, (uint32_t)(d >> PAGE_SHIFT))))
		return row_free_rest(v, d);
	row_freed(v, d >> PAGE_SHIFT, tc);
}

static __attribute__((noinline)) void row_free(struct view *v, void *p)
{
	struct tcache *tc = tcache_mine;
	const struct geom *g = v->geom;
	size_t d = vaddr_of(p) - v->base, u;
	const struct cursor *c;
	uint32_t band;

	__asm__("" : "+r"(d)); /* and p is used no more */
	u = d >> PAGE_SHIFT;
	if (unlikely(!v->simple || !tc || v->owner != tc->id || u >= v->pages))
		goto rest;
	band = geom_band_at(g, v->place, (uint32_t)u);
	__asm__("" : "+r"(band));
	if (unlikely((d & (PAGE_SIZE - 1)) != band))
		goto rest;
	c = &tc->cur[g->cls];
	if (unlikely(c->view == v && c->word == u / 64 && (c->mask >> (u % 64) & 1)))
		goto rest;
	if (unlikely(v->gone != NULL))
		return row_free_shared(v, d);
	tcache_enter(tc, v);
	if (unlikely(!bit_clear(&v->live[u / 64], u % 64)))
		goto rest;
	if (unlikely(!v->live[u / 64] || !v->dirty))
		return row_freed(v, u, tc);
	return count_free(tc, g->size);
rest:
	row_free_rest(v, d);
}

void alias_free(void *p)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;

	if (unlikely(!e || e & 1))
		return free_rest(p);
	return v->cut ? page_free(v, p) : row_free(v, p);
}

size_t alias_usable(void *p)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (e && !(e & 1)) {
		struct view *v = (struct view *)e;

		if (live_find(v, p, &idx))
			return view_geom(v, view_unit_of(v, idx))->size;
	} else if (e && l->base == vaddr_of(p) && !l->dead) {
		return l->len;
	} else if (heap_other) {
		return heap_other->usable(p);
	}
	report_bad_free(p, "malloc_usable_size", __builtin_frame_address(0));
}

static void *realloc_view(struct view *v, uint32_t idx, void *p, size_t size, void *frame)
{
	size_t slot = view_geom(v, view_unit_of(v, idx))->size;
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
