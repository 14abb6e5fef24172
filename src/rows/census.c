/*
 * census.c - what is dead in a view, counted; and its bits, checked.
 *
 * app context, sweep_lock held. Threads free meanwhile: what is dead here stays so.
 */
#include "census.h"
#include "rows.h"

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

void view_census(struct view *v, struct census *n)
{
	n->ndead = n->ndue = n->nfresh = 0;
	n->whole = v->handed == v->words;
	dead_units(v, n->dead);
	for (unsigned w = 0; w < view_uwords(v); w++) {
		n->due[w] = n->dead[w] & ~atomic_load(&view_revoked(v)[w]);
		n->ndead += (unsigned)__builtin_popcountl(n->dead[w]);
		n->ndue += (unsigned)__builtin_popcountl(n->due[w]);
		n->nfresh += (unsigned)__builtin_popcountl(view_fresh(v)[w]);
	}
	n->whole = n->whole && n->ndead == n->nfresh;
}

static void list_check(const struct view *v, const char *at)
{
	bool listed;

	lock_take(&views_lock);
	listed = (v->prev ? v->prev->next : views_live) == v;
	lock_drop(&views_lock);
	if (listed == v->mortal.buried)
		panic("%s: view %p is %s the living, its row %p", at, vaddr_ptr(v->base),
			listed ? "among" : "not among", (void *)v->row);
}

/* What others may set is read in this order, from what follows to what comes first. */
static void bits_check(struct view *v, const char *at)
{
	uint64_t released[EXTENT_PAGES_MAX / 64], revoked[EXTENT_PAGES_MAX / 64];
	struct census n;

	for (unsigned w = 0; w < view_uwords(v); w++) {
		released[w] = view_released(v)[w];
		revoked[w] = atomic_load(&view_revoked(v)[w]);
	}
	view_census(v, &n);
	for (unsigned w = 0; w < view_uwords(v); w++)
		if (released[w] & ~revoked[w] || revoked[w] & ~n.dead[w] ||
			n.dead[w] & ~view_fresh(v)[w])
			panic("%s: view %p, units from %u on: fresh %lx, dead %lx, revoked %lx, "
			      "released %lx",
				at, vaddr_ptr(v->base), w * 64, view_fresh(v)[w], n.dead[w],
				revoked[w], released[w]);
}

void view_check_at(struct view *v, const char *at)
{
	if (v->handed > v->words)
		panic("%s: view %p has handed out %u of %u", at, vaddr_ptr(v->base), v->handed,
			v->words);
	bits_check(v, at);
	list_check(v, at);
}

static size_t live_in_view(const struct view *v)
{
	size_t n = 0;

	for (uint32_t w = 0; w < MIN(v->handed, v->tail); w++)
		n += (size_t)__builtin_popcountl(view_live_word(v, w));
	return n * v->geom->size;
}

/* What its cursors have not handed out yet, though it counts as live in its views. */
static size_t ahead_of(const struct owner *o)
{
	const struct cursors *c = (const struct cursors *)o;
	size_t n = 0;

	for (unsigned cls = 0; cls < heap_class_count(); cls++)
		n += (size_t)__builtin_popcountl(c->cur[cls].mask) * heap_class_size(cls);
	return n;
}

size_t rows_live_bytes(bool alone)
{
	size_t n = 0, ahead = owners_sum(ahead_of);

	if (!alone) {
		lock_take(&sweep_lock);
		lock_take(&views_lock);
	}
	for (const struct view *v = views_live; v; v = v->next)
		n += live_in_view(v);
	if (!alone) {
		lock_drop(&views_lock);
		lock_drop(&sweep_lock);
	}
	return n - MIN(n, ahead);
}
