/* paged.c - see alias_paged.h. app context. */
#include "paged.h"
#include "pending.h"

/* A thread takes over so many pages of its view at a time; the others may go to another thread. */
#define STEP 16U

/* What nobody will cut any more is dead without having lived. */
static void pages_leave(struct view *v, uint32_t from, uint32_t to)
{
	bool some = false;

	for (; (from = bits_next(view_fresh(v), from, to)) < to; from++) {
		atomic_fetch_or(&view_dead(v)[from / 64], 1UL << (from % 64));
		some = true;
	}
	if (some)
		pending_note(v);
}

/* A run of n fresh pages at p->at, of those that the thread took over already. */
static bool pages_here(struct pool *p, uint32_t n)
{
	uint32_t u = p->at;

	while ((u = bits_next(view_fresh(p->in), u, p->lim)) < p->lim) {
		uint32_t end = bits_end(view_fresh(p->in), u, MIN(u + n, p->lim));

		if (end == u + n) {
			pages_leave(p->in, p->at, u);
			p->at = u;
			return true;
		}
		if (end == p->lim) /* it may go on behind */
			break;
		u = end;
	}
	return false;
}

/* Takes over some more; false: the pool needs another view. */
static bool pages_more(struct pool *p, uint32_t n)
{
	struct view *v = atomic_exchange(&p->pages, NULL);
	uint32_t from, to;

	if (!v)
		return false;
	from = v->handed;
	to = MIN((uint32_t)v->units, from + MAX(STEP, n));
	if (v != p->in || from != p->lim) {
		if (p->at < p->lim)
			pages_leave(p->in, p->at, p->lim);
		p->in = v;
		p->at = from;
	}
	/* Never left where nothing is to be cut: the view might die, and be forgotten. */
	p->at = bits_next(view_fresh(v), p->at, to);
	p->lim = to;
	/* From here on the view may die, but not before the objects of these pages. */
	if (bits_next(view_fresh(v), to, v->units) == v->units) {
		atomic_store_explicit(&v->handed, v->units, memory_order_release);
		return true;
	}
	atomic_store_explicit(&v->handed, (uint16_t)to, memory_order_release);
	atomic_store_explicit(&p->pages, v, memory_order_release);
	return true;
}

bool page_cut(struct tcache *tc, unsigned cls)
{
	const struct cut *k = &heap_cut[cls + 1];
	struct pool *p = pool_of(tc, cls);
	struct cursor *c = &tc->cur[cls];
	struct view *v;
	uint32_t u;

	while (p->at >= p->lim || !pages_here(p, k->pages))
		if (!pages_more(p, k->pages))
			return false;
	v = p->in;
	u = p->at;
	p->at = bits_next(view_fresh(v), u + k->pages, p->lim);
	for (uint32_t w = 0; w * 64 < k->slots; w++) {
		uint32_t n = k->slots - w * 64;

		atomic_store_explicit(&v->live[u + w * CHUNK_PAGES],
			n >= 64 ? ~0UL : (1UL << n) - 1, memory_order_relaxed);
	}
	for (uint32_t i = 1; i < k->pages; i++)
		v->cut[u + i] = (uint16_t)(CUT_INNER | i << CUT_OWNER_SHIFT);
	v->cut[u] = (uint16_t)((cls + 1) | MIN(tc->id, TCACHE_NONE) << CUT_OWNER_SHIFT);
	c->next = v->base + ((vaddr_t)u << PAGE_SHIFT);
	atomic_store_explicit(&tc->in_page[cls], c->next, memory_order_relaxed);
	c->end = c->next + k->slots * (vaddr_t)k->size;
	c->size = k->size;
	c->inv_size = k->inv_size;
	c->slots = k->slots;
	c->zeroed = v->zeroed;
	return true;
}

struct view *pages_of_idle(const struct tcache *mine, unsigned cls)
{
	uint64_t now = tcache_refills, gap = 8 + 4UL * tcache_owned;

	for (struct tcache *tc = tcache_all; tc; tc = tc->next) {
		struct pool *p = pool_of(tc, cls);
		struct view *v;

		if (tc == mine || now - tc->refilled < gap ||
			!atomic_load_explicit(&p->pages, memory_order_relaxed))
			continue;
		v = atomic_exchange(&p->pages, NULL);
		if (v)
			return v;
	}
	return NULL;
}
