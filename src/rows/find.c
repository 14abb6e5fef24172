/*
 * find.c - block_find: what is, or was, at an address.
 *
 * Any context of the app, the fault handler included: no lock, no system call, no fault. It
 * reads structures that others may be changing; see block.h for what that may cost.
 */
#include "find.h"
#include "cursors.h"
#include "host/host.h"

/*
 * The cursor may move meanwhile. But what the caller has from malloc was taken from it before, and
 * that is seen: so neither an older nor a newer state of any word here says that it is ahead, nor
 * do two words of different age.
 */
bool slot_ahead(struct view *v, uint32_t idx, vaddr_t at)
{
	const struct cursors *tc;
	const struct cursor *c;
	uint64_t mask;

	tc = cursors_of(v->giver);
	if (!tc || idx / 64 + 1U != atomic_load_explicit(&v->at, memory_order_relaxed))
		return false;
	c = &tc->cur[v->geom->cls];
	mask = __atomic_load_n(&c->mask, __ATOMIC_ACQUIRE); /* written last, so read first */
	return (mask >> (idx % 64) & 1) && c->word == idx / 64 && c->view == v;
}

/* The object of unit u nearest to the byte `off` bytes behind the unit's begin. */
static uint32_t slot_near(const struct view *v, uint32_t u, uint32_t off)
{
	const struct geom *g = v->geom;
	uint32_t at, j = 0;

	if (g->unit_pages > 1)
		return u;
	at = geom_band_at(g, v->place, u);
	if (off >= at)
		j = MIN(quick_div(off - at, g->inv_size), g->slots - 1U);
	return (u << g->group_shift) + j;
}

vaddr_t rows_next(const struct view *v, vaddr_t addr)
{
	uint32_t u = view_unit_with(v, (uint32_t)((addr - v->base) >> PAGE_SHIFT)), idx;

	if (addr < v->base || u >= v->units)
		return 0;
	idx = slot_near(v, u, (uint32_t)(addr - view_unit_at(v, u)));
	if (view_slot_at(v, idx) < addr)
		idx++;
	return view_unit_of(v, idx) < v->units ? view_slot_at(v, idx) : 0;
}

void rows_find(struct view *v, vaddr_t a, struct block *b)
{
	const struct geom *g = v->geom;
	uint32_t page = (uint32_t)((a - v->base) >> PAGE_SHIFT), u, idx;
	bool handed, live;

	u = view_unit_with(v, page);
	if (a < v->base || u >= v->units) {
		b->state = BLOCK_NEVER;
		return;
	}
	idx = slot_near(v, u, (uint32_t)(a - view_unit_at(v, u)));
	handed = (view_fresh(v)[u / 64] >> (u % 64) & 1) && idx / 64 < MIN(v->handed, v->tail);
	live = handed && (view_live_word(v, idx / 64) >> (idx % 64) & 1);
	b->base = view_slot_at(v, idx);
	if (live && slot_ahead(v, idx, b->base))
		handed = false;
	b->size = g->size;
	b->of_class = !v->rec;
	if (v->rec) {
		handed = handed && v->rec[idx].birth.tid != 0;
		record_read(&v->rec[idx], g->size, b);
	}
	b->state = !handed ? BLOCK_NEVER : live ? BLOCK_LIVE : BLOCK_DEAD;
}
