/* alias_paged.c - see alias_paged.h. app context. */
#include "alias_paged.h"

bool page_cut(struct tcache *tc, unsigned cls)
{
	const struct cut *k = &heap_cut[cls + 1];
	struct cursor *c = &tc->cur[cls];
	struct view *v = tc->pages;
	uint32_t u, next;

	if (!v)
		return false;
	u = bits_next(view_fresh(v), v->handed, v->units);
	next = bits_next(view_fresh(v), u + 1, v->units);
	for (uint32_t w = 0; w * 64 < k->slots; w++) {
		uint32_t n = k->slots - w * 64;

		atomic_store_explicit(&v->live[u * PAGE_WORDS + w], n >= 64 ? ~0UL : (1UL << n) - 1,
			memory_order_relaxed);
	}
	v->cut[u] = (uint8_t)(cls + 1);
	/* From here on the view may die, but not before the objects of this page. */
	atomic_store_explicit(&v->handed, (uint16_t)next, memory_order_release);
	if (next == v->units)
		tc->pages = NULL;
	c->next = v->base + ((vaddr_t)u << PAGE_SHIFT);
	c->end = c->next + k->slots * (vaddr_t)k->size;
	c->size = k->size;
	c->zeroed = v->zeroed;
	return true;
}
