/*
 * free.c - freeing objects: the ways that every free and realloc can take.
 *
 * app context. malloc/short_free.c has the shortest ones.
 *
 *	rows_free ── live_find, free_slot ── slot_clear: the object's bit
 *	     ├─ unit_died (sweep.c)             its unit has nothing alive
 *	     ├─ word_died                       its word has: its view may have, too
 *	     └─ sweep_count ── sweep_told       every 256 frees or 64 KB: is a sweep due?
 */
#include "rows.h"

/* Which object starts exactly at a? False if none does. */
static inline bool slot_find(const struct view *v, vaddr_t a, uint32_t *idx)
{
	const struct geom *g = v->geom;
	size_t d = a - v->base;
	uint32_t u, off, j;

	if (d >= (size_t)v->pages << PAGE_SHIFT)
		return false;
	if (g->unit_pages != 1) {
		u = view_unit_with(v, (uint32_t)(d >> PAGE_SHIFT));
		*idx = u;
		return u < v->units && a == view_slot_at(v, u);
	}
	u = (uint32_t)(d >> PAGE_SHIFT);
	off = (uint32_t)(d & (PAGE_SIZE - 1)) - geom_band_at(g, v->place, u);
	if (off >= g->band)
		return false;
	j = quick_div(off, g->inv_size);
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
		return v->rec[*idx].birth.tid != 0;
	return !slot_ahead(v, *idx, vaddr_of(p));
}

static inline bool slot_clear(struct view *v, uint32_t idx, uint32_t id, bool at_once)
{
	const struct geom *g = v->geom;
	uint64_t live, unit = g->group_shift == 6 ? ~0UL
						  : ((1UL << geom_group(g)) - 1)
							    << (idx % 64 & ~(geom_group(g) - 1));

	if (unlikely(!livebits_clear(v->live, &v->gone, v->words, idx,
		    id == v->owner && (v->simple || __libc_single_threaded))))
		return false;
	/* Two threads may both find the unit dead: that is harmless. */
	live = view_live_word(v, idx / 64);
	if (!(live & unit))
		unit_died(v, idx >> g->group_shift, at_once);
	if (unlikely(!live))
		word_died(v);
	return true;
}

/* By a thread that has not allocated anything yet, or is ending. */
static __attribute__((noinline)) bool free_slot_uncached(struct view *v, uint32_t idx, bool at_once)
{
	bool was;

	atomic_fetch_add(&owner_none_in, 1);
	was = slot_clear(v, idx, OWNER_NONE + 1, at_once);
	atomic_fetch_sub(&owner_none_in, 1);
	if (was)
		sweep_freed_alone(v->geom->size);
	return was;
}

/* False if somebody else freed it first. */
static inline bool free_slot(struct view *v, uint32_t idx, vaddr_t at, bool moved, void *frame)
{
	struct cursors *tc = cursors_mine();
	uint32_t stack = v->rec ? stack_capture(frame) : 0;
	bool at_once = slot_ends(owner_mine, v, v->rec, idx, at, moved, stack, frame);

	if (unlikely(!tc))
		return free_slot_uncached(v, idx, at_once);
	owner_enter(&tc->own, v);
	if (unlikely(!slot_clear(v, idx, tc->own.id, at_once)))
		return false;
	sweep_count(&tc->own, v->geom->size);
	return true;
}

/* A kill there would split a huge page. */
static bool is_dear(const struct view *v, uint32_t u)
{
	return !(v->split & view_split_bit(u)) && view_is_huge(v);
}

bool slot_allowed(const struct view *v, uint32_t idx, uint64_t place)
{
	return atonce_allows(
		owner_mine ? owner_mine->rests : NULL, place, is_dear(v, view_unit_of(v, idx)));
}

bool rows_free(struct view *v, void *p, bool moved, void *frame)
{
	uint32_t idx;

	return live_find(v, p, &idx) && free_slot(v, idx, vaddr_of(p), moved, frame);
}

size_t rows_usable(struct view *v, void *p)
{
	uint32_t idx;

	return live_find(v, p, &idx) ? v->geom->size : 0;
}

void rows_resize(struct view *v, void *p, size_t size)
{
	uint32_t idx;

	if (v->rec && live_find(v, p, &idx))
		record_resize(&v->rec[idx], v->geom->size, size);
}
