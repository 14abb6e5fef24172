/*
 * short_free.c - the shortest ways of free: one bit of an object that the thread itself handed out.
 *
 * app context, no lock.
 *
 *	short_free ── space_entry
 *	 ├─ page_free ── bit_clear ─┬─ count_free           the usual end
 *	 │                          └─ page_freed           the page has nothing alive
 *	 ├─ row_free ── bit_clear ──┬─ count_free
 *	 │                          └─ row_freed            the word has, or the view is not dirty
 *yet └─ free_rest                                       all else (rows/free.c), and what is wrong
 */
#include "malloc.h"

/*
 * The shortest ways, of a thread that frees what it has from malloc. All else they leave by a jump,
 * so that they save no registers: the store buffer is full of the program's own stores.
 */

/* What a sweep has found meanwhile: two threads, each of which thought that it was the first. */
static void twice_tell(void)
{
	vaddr_t p = sweep_twice();

	if (unlikely(p))
		report_bad_free(vaddr_ptr(p),
			"free() and, at the same instant, another thread's free",
			__builtin_frame_address(0));
}

void free_as(void *p, const char *call, void *frame)
{
	if (unlikely(kvm_heap != NULL))
		kvm_heap->free_as(p, call, frame);
	else if (unlikely(!rows_free(p, frame)))
		report_bad_free(p, call, frame);
	else
		twice_tell();
}

/* Entered by jumps only: its frame is where free was called. */
static __attribute__((noinline)) void free_rest(void *p)
{
	free_as(p, "free", __builtin_frame_address(0));
	frame_kept(NULL);
}

static __attribute__((noinline)) void freed_tell(struct tcache *tc)
{
	tcache_freed(tc);
	twice_tell();
}

static inline void count_free(struct tcache *tc, size_t bytes)
{
	if (unlikely(freed_count(tc, bytes)))
		freed_tell(tc);
}

/* An object of page u, of the class of c, is freed; the page may have died. */
static __attribute__((noinline)) void page_freed(
	struct view *v, uint32_t u, struct tcache *tc, const struct cursor *c)
{
	if (page_died(v, u, c->slots))
		unit_died(v, u);
	count_free(tc, c->size);
	twice_tell();
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
	pending_note(v);
	if (!view_live_word(v, (uint32_t)u / 64))
		sweep_look_spent(v);
	count_free(tc, v->geom->size);
	twice_tell();
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

void short_free(void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));
	struct view *v = (struct view *)e;

	if (unlikely(!e || e & 1))
		return free_rest(p);
	return v->cut ? page_free(v, p) : row_free(v, p);
}
