/*
 * late.c - what is found wrong with the dead when they die: base/late.h.
 *
 * app context, sweep_lock held. What breaks it: a slot that counts as filled and is not, which would
 * be told as a bug of the program. So none is looked at that nobody ever had, or whose page is the
 * program's own (own.c), or that died around a fork; and no view without records of which an ended
 * thread had a word in part (idle.c).
 */
#include "clean.h"
#include "own.h"
#include "rows.h"

static void find_twice(struct view *v)
{
	uint32_t idx = livebits_twice(v->live, &v->gone, v->words);

	if (idx != ~0U)
		late_note(LATE_TWICE, view_slot_at(v, idx), 0);
}

/* Was idx, which is dead, filled? */
static bool is_filled(const struct view *v, uint32_t idx, vaddr_t at)
{
	vaddr_t last = at + MIN(v->geom->size, POISON_MOST) - 1;

	return (!v->rec || v->rec[idx].birth.tid) &&
	       (!v->own || (!view_owns(v, (uint32_t)((at - v->base) >> PAGE_SHIFT)) &&
				   !view_owns(v, (uint32_t)((last - v->base) >> PAGE_SHIFT))));
}

/*
 * The kernel empties a private page before it guards it. So what is zero now may be so by a free that
 * kills it at once: it says so before that, and has made it revoked when it says so no more.
 */
static bool is_emptied(struct view *v, vaddr_t at, const struct differs *d)
{
	uint32_t u = view_unit_with(v, (uint32_t)((at - v->base) >> PAGE_SHIFT));

	return view_is_private(v) && !d->value &&
	       (atomic_load(&v->killing) || atomic_load(&view_revoked(v)[u / 64]) >> (u % 64) & 1);
}

/* The dead of word w: they lie in pages of their own, so the caches are told of all before the first is looked at. */
static void find_written(struct view *v, uint32_t w, uint64_t dead)
{
	vaddr_t filled[64];
	size_t size = v->geom->size;
	struct differs d;
	unsigned n = 0;

	for (uint64_t m = dead; m; m &= m - 1) {
		uint32_t idx = w * 64 + (uint32_t)__builtin_ctzl(m);
		vaddr_t at = v->simple ? view_simple_at(v, idx) : view_slot_at(v, idx);

		if (!is_filled(v, idx, at))
			continue;
		__builtin_prefetch(vaddr_ptr(at));
		filled[n++] = at;
	}
	if (!n || likely(poison_whole(filled, n, size)))
		return;
	for (unsigned i = 0; i < n; i++)
		if (poison_differs(filled[i], size, &d) && !is_emptied(v, filled[i], &d))
			poison_note(&d);
}

void view_find_late(struct view *v, const uint64_t *in)
{
	uint32_t words = MIN(v->handed, v->tail);

	find_twice(v);
	if (!mode.poison || v->torn)
		return;
	for (uint32_t w = 0; w < words; w++)
		find_written(v, w, view_objects(v, in, w) & ~view_live_word(v, w));
}

void rows_look_late(void)
{
	uint64_t in[EXTENT_PAGES_MAX / 64];

	lock_take(&sweep_lock);
	lock_take(&views_lock);
	for (struct view *v = views_live; v; v = v->next) {
		for (unsigned w = 0; w < view_uwords(v); w++)
			in[w] = view_fresh(v)[w] & ~atomic_load(&view_revoked(v)[w]);
		view_find_late(v, in);
	}
	lock_drop(&views_lock);
	lock_drop(&sweep_lock);
}
