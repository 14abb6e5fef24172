/*
 * short_free.c - the shortest ways of free: one bit of an object that the thread itself handed out.
 *
 * app context, no lock.
 *
 * short_free: by what the table of addresses says,
 *	page_free	bit_clear, count_free; page_freed if the word has nothing alive
 *	page_free_as	what is freed is filled or noted before; or others have freed some there, too
 *	row_free	bit_clear, count_free; row_freed likewise, or if the view is not pending yet
 *	free_rest	all else (engine.c), and what is wrong
 */
#include "malloc.h"
#include "last.h"
#include "otherlibc.h"

/*
 * The shortest ways, of a thread that frees what it has from malloc. All else they leave by a jump,
 * so that they save no registers: the store buffer is full of the program's own stores.
 */

/* What a sweep has found meanwhile. */
void late_tell(const char *when)
{
	struct late l;

	while (unlikely(late_waits) && late_take(&l))
		if (l.what == LATE_WRITE)
			report_written(&l, when);
		else
			report_bad_free(vaddr_ptr(l.at),
				"free() and, at the same instant, another thread's free",
				__builtin_frame_address(0));
}

void free_as(void *p, const char *call, void *frame)
{
	if (unlikely(kvm_heap != NULL))
		kvm_heap->free_as(p, call, frame);
	else if (unlikely(!engine_free(p, false, frame) && !(last_has(p) && last_free(p)) &&
			  !otherlibc_has(p, &(size_t){0})))
		report_bad_free(p, call, frame);
	else
		late_tell(WHEN_DIES);
}

/* Entered by jumps only: its frame is where free was called. */
static __attribute__((noinline)) void free_rest(void *p)
{
	free_as(p, "free", __builtin_frame_address(0));
	frame_kept(NULL);
}

static __attribute__((noinline)) void freed_tell(struct owner *o)
{
	sweep_told(o);
	late_tell(WHEN_DIES);
}

static inline void count_free(struct owner *o, size_t bytes)
{
	if (unlikely(owner_freed(o, bytes, mode.step)))
		freed_tell(o);
}

/* An object of page u, of the class of b, is freed; the page may have died. */
static __attribute__((noinline)) void page_freed(
	struct sheet *s, uint32_t u, struct cutter *c, const struct bump *b)
{
	if (sheet_page_empty(s, u, b->slots))
		page_died(s, u, false);
	count_free(&c->own, b->size);
	late_tell(WHEN_DIES);
}

/* Object idx, of the class of b. noted: by whom, with this stack. */
static ALWAYS_INLINE void page_free_as(struct cutter *c, struct sheet *s, void *p, uint32_t idx,
	const struct bump *b, bool noted, uint32_t stack)
{
	struct record *rec = noted ? s->rec[sheet_page_of(idx)] : NULL;

	if (unlikely(!(sheet_live_word(s, idx / SHEET_BITS) >> (idx % SHEET_BITS) & 1)))
		return free_rest(p);
	page_slot_ends(&c->own, rec ? rec + sheet_nth_of(idx) : NULL, p, b->size, false, stack);
	owner_enter(&c->own, s);
	if (unlikely(!livebits_clear(s->live, &s->gone, s->words, idx, true)))
		return free_rest(p);
	if (unlikely(!sheet_live_word(s, idx / SHEET_BITS)))
		return page_freed(s, sheet_page_of(idx), c, b);
	count_free(&c->own, b->size);
}

/* The stack is taken first: so there is little to keep meanwhile. Its frame, too, is where free was called. */
static __attribute__((noinline, nonnull)) void page_free_recorded(
	struct cutter *c, struct sheet *s, void *p, uint32_t idx, const struct bump *b)
{
	uint32_t stack = stack_capture(__builtin_frame_address(0));

	page_free_as(c, s, p, idx, b, true, stack);
}

/* Where others have freed some, too, or what is freed is filled. */
static __attribute__((noinline, nonnull)) void page_free_long(
	struct cutter *c, struct sheet *s, void *p, uint32_t idx, const struct bump *b)
{
	page_free_as(c, s, p, idx, b, false, 0);
}

/* What the class is cut into stands in the cursor, too. Of what is never cut so, slots is 0. */
static inline void page_free(struct sheet *s, void *p)
{
	struct cutter *c = cutter_mine();
	size_t d = vaddr_of(p) - s->at.base, u = d >> PAGE_SHIFT, off = d & (PAGE_SIZE - 1), j;
	uint32_t cut = s->cut[u];
	const struct bump *b;

	if (unlikely(!c || cut >> OWNER_SHIFT != c->own.id))
		return free_rest(p);
	b = &c->bump[KIND_OF(cut) - 1];
	__asm__("" : "+r"(b)); /* not by its index, which would take a register more */
	j = off * b->inv_size >> 32;
	if (unlikely(off != j * b->size || j >= b->slots || bump_ahead(b, vaddr_of(p))))
		return free_rest(p);
	if (unlikely(s->gone != NULL) || unlikely(!mode.bare)) {
		uint32_t idx = sheet_idx((uint32_t)u, (uint32_t)j);

		if (unlikely(page_may_die_at_once(b->slots)))
			return free_rest(p);
		return s->rec ? page_free_recorded(c, s, p, idx, b)
			      : page_free_long(c, s, p, idx, b);
	}
	owner_enter(&c->own, s);
	if (unlikely(!bit_clear(&s->live[u + (j >> 6) * SHEET_PAGES], j & 63)))
		return free_rest(p);
	if (unlikely(!s->live[u + (j >> 6) * SHEET_PAGES]))
		return page_freed(s, (uint32_t)u, c, b);
	count_free(&c->own, b->size);
}

/* Object u of a view of single objects is freed. */
static __attribute__((noinline)) void row_freed(struct view *v, size_t u, struct cursors *tc)
{
	mortal_pending(&v->mortal);
	if (!view_live_word(v, (uint32_t)u / 64))
		word_died(v);
	count_free(&tc->own, v->geom->size);
	late_tell(WHEN_DIES);
}

/* What is d bytes into the view: so it takes one register less to know. */
static __attribute__((noinline)) void row_free_rest(struct view *v, size_t d)
{
	free_rest(vaddr_ptr(v->base + d));
}

/* frame: where free was called. noted: by whom, with this stack. */
static ALWAYS_INLINE void row_free_as(
	struct cursors *tc, struct view *v, size_t d, bool noted, uint32_t stack, void *frame)
{
	uint32_t u = (uint32_t)(d >> PAGE_SHIFT);
	bool at_once;

	if (unlikely(!(view_live_word(v, u / 64) >> (u % 64) & 1)))
		return row_free_rest(v, d);
	at_once = slot_ends(
		&tc->own, v, noted ? v->rec : NULL, u, v->base + d, false, stack, frame);
	owner_enter(&tc->own, v);
	if (unlikely(!livebits_clear(v->live, &v->gone, v->words, u, true)))
		return row_free_rest(v, d);
	if (at_once)
		unit_died(v, u, true);
	if (unlikely(!view_live_word(v, u / 64) || !v->mortal.on[PENDING]))
		return row_freed(v, u, tc);
	count_free(&tc->own, v->geom->size);
}

/*
 * What is freed is noted; its record, of a block that is old, has to come from far away. Entered by jumps only, as the
 * next one: its frame is where free was called.
 */
static __attribute__((noinline, nonnull)) void row_free_recorded(
	struct cursors *tc, struct view *v, size_t d)
{
	uint32_t stack;

	fetch_to_write(vaddr_of(&v->rec[d >> PAGE_SHIFT]));
	stack = stack_capture(__builtin_frame_address(0));
	__asm__("" : "+r"(d)); /* what was known of it is known anew */
	row_free_as(tc, v, d, true, stack, __builtin_frame_address(0));
}

/* Where others have freed some, too, or what is freed is filled or may die at once. */
static __attribute__((noinline, nonnull)) void row_free_long(
	struct cursors *tc, struct view *v, size_t d)
{
	row_free_as(tc, v, d, false, 0, __builtin_frame_address(0));
}

static __attribute__((noinline)) void row_free(struct view *v, void *p)
{
	struct cursors *tc = cursors_mine();
	const struct geom *g = v->geom;
	size_t d = vaddr_of(p) - v->base, u;
	const struct cursor *c;
	uint32_t band;

	__asm__("" : "+r"(d)); /* and p is used no more */
	u = d >> PAGE_SHIFT;
	if (unlikely(!v->simple || !tc || v->owner != tc->own.id || u >= v->pages))
		goto rest;
	band = geom_band_at(g, v->place, (uint32_t)u);
	__asm__("" : "+r"(band));
	if (unlikely((d & (PAGE_SIZE - 1)) != band))
		goto rest;
	c = &tc->cur[g->cls];
	if (unlikely(c->view == v && c->word == u / 64 && (c->mask >> (u % 64) & 1)))
		goto rest;
	if (unlikely(v->gone != NULL) || !mode.bare)
		return v->rec ? row_free_recorded(tc, v, d) : row_free_long(tc, v, d);
	owner_enter(&tc->own, v);
	if (unlikely(!bit_clear(&v->live[u / 64], u % 64)))
		goto rest;
	if (unlikely(!v->live[u / 64] || !v->mortal.on[PENDING]))
		return row_freed(v, u, tc);
	return count_free(&tc->own, g->size);
rest:
	row_free_rest(v, d);
}

void short_free(void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));

	if (e & SPACE_SHEET)
		return page_free((struct sheet *)(e & ~SPACE_WHAT), p);
	if (unlikely(!e || e & SPACE_LARGE))
		return free_rest(p);
	return row_free((struct view *)e, p);
}
