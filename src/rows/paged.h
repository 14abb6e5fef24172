/*
 * paged.h - views whose pages are cut one by one, each for the class that wants one next.
 *
 * Where whole pages die together (grouped by pages, no records) a page is a unit, and the
 * classes up to 64 KB need no rows of their own: a thread takes the pages of one view in order,
 * and within a page its objects in order; a larger object is a run of pages. That keeps what a
 * program uses at a time close together, and a size that is seldom used costs a page. app
 * context; the thread's own cursors, no lock.
 */
#ifndef UD_ALIAS_PAGED_H
#define UD_ALIAS_PAGED_H

#include "view.h"
#include "tcache.h"

/* An object of the page that is cut for the class, or NULL at its end. */
static inline void *page_take(struct cursor *c)
{
	size_t size = c->size;
	vaddr_t p = c->next;

	if (unlikely(p == c->end))
		return NULL;
	c->next = p + size;
	fetch_to_write(p + size);
	fetch_to_write(p + 2 * size - 1);
	return vaddr_ptr(p);
}

/*
 * Was p not handed out yet, of the thread's own cursor? Its bit is set already: all of a page are
 * set when it is cut. Of whose cursor ever: slot_ahead.
 */
static inline bool page_ahead(const struct cursor *c, vaddr_t p)
{
	return p >= c->next && p < c->end;
}

/*
 * The object that starts d bytes into the paged view v: *idx, and what its page is cut for (an
 * index of heap_cut, with the owner); 0 if none starts there.
 */
static inline uint32_t page_slot(const struct view *v, size_t d, uint32_t *idx)
{
	uint32_t u = view_unit_first(v, (uint32_t)(d >> PAGE_SHIFT));
	uint32_t cut = v->cut[u], off = (uint32_t)d - (u << PAGE_SHIFT);
	const struct cut *k = &heap_cut[CUT_OF(cut)];
	uint32_t j = geom_div(off, k->inv_size);

	*idx = paged_idx(u, j);
	return off == j * k->size && j < k->slots ? cut : 0;
}

/* Has page u, cut into `slots`, no live object? Two threads may both find so: harmless. */
static inline bool page_died(const struct view *v, uint32_t u, uint32_t slots)
{
	const _Atomic uint64_t *word = &v->live[u];
	uint64_t any = atomic_load_explicit(word, memory_order_relaxed);

	if (unlikely(atomic_load_explicit(&v->gone, memory_order_relaxed) != NULL)) {
		any = 0;
		for (uint32_t k = 0; k * 64 < slots; k++)
			any |= view_live_word(v, u + k * CHUNK_PAGES);
		return !any;
	}
	for (uint32_t k = 1; k * 64 < slots; k++)
		any |= atomic_load_explicit(word + k * CHUNK_PAGES, memory_order_relaxed);
	return !any;
}

/* Page u has died, with the others of its object. True: so may have the whole view. */
static inline bool pages_died(struct view *v, uint32_t u)
{
	bool full = false;

	for (uint32_t n = heap_cut[CUT_OF(v->cut[u])].pages; n--; u++) {
		uint64_t bit = 1UL << (u % 64);
		uint64_t was = atomic_fetch_or(&view_dead(v)[u / 64], bit);

		full |= !(view_fresh(v)[u / 64] & ~(was | bit));
	}
	return full;
}

/*
 * Runs have views of their own, by their length: the holes between others are too small for them.
 * In a view of pool i is room for a run of so many.
 */
static const uint8_t pool_run[POOLS] = {ROW_PARTS, 2, 5, ROW_RUN_MAX};

static inline struct pool *pool_of(struct tcache *tc, unsigned cls)
{
	unsigned pages = heap_cut[cls + 1].pages;

	return &tc->pool[(pages > 1) + (pages > 2) + (pages > 5)];
}

/* Cuts the next page or run of pages of the thread's view for cls; false when it has no more. */
bool page_cut(struct tcache *tc, unsigned cls);
/* The rest of a view that another thread seems to have no use for; NULL: there is none. */
struct view *pages_of_idle(const struct tcache *tc, unsigned cls);

#endif
