/*
 * alias_find.c - block_find: what is, or was, at an address.
 *
 * Any context of the app, the fault handler included: no lock, no system call, no fault. It
 * reads structures that others may be changing; see block.h for what that may cost.
 */
#include "alias_paged.h"
#include "mmu.h"

/* Paged: is it what some thread will hand out of the page that it cuts now? */
static bool slot_ahead(unsigned cls, vaddr_t at)
{
	if (page_ahead(&tcache_shared.cur[cls], at))
		return true;
	for (const struct tcache *tc = tcache_all; tc; tc = tc->next)
		if (page_ahead(&tc->cur[cls], at))
			return true;
	return false;
}

/* The object of unit u nearest to the byte `off` bytes behind the unit's begin. */
static uint32_t slot_near(const struct view *v, uint32_t u, uint32_t off)
{
	const struct geom *g = view_geom(v, u);
	uint32_t at, j = 0;

	if (g->unit_pages > 1)
		return u;
	at = geom_band_at(g, v->place, u);
	if (off >= at)
		j = MIN(geom_div(off - at, g->inv_size), g->slots - 1U);
	return (u << g->group_shift) + j;
}

static void view_find(struct view *v, vaddr_t a, struct block *b)
{
	const struct geom *g = v->geom;
	uint32_t page = (uint32_t)((a - v->base) >> PAGE_SHIFT), u, idx;
	bool handed, live;

	u = geom_div(page, g->inv_unit);
	if (a < v->base || u >= v->units) {
		b->state = BLOCK_NEVER;
		return;
	}
	u = view_unit_first(v, u);
	idx = slot_near(v, u, (uint32_t)(a - view_unit_at(v, u)));
	g = view_geom(v, u);
	handed = (view_fresh(v)[u / 64] >> (u % 64) & 1) &&
		 (v->cut ? v->cut[u] != 0 : idx / 64 < v->handed);
	live = handed && (view_live_word(v, idx / 64) >> (idx % 64) & 1);
	b->base = view_slot_at(v, idx);
	if (v->cut && live && slot_ahead(g->cls, b->base))
		handed = false;
	b->size = g->size;
	if (v->rec) {
		handed = handed && v->rec[idx].alloc_tid != 0;
		record_read(&v->rec[idx], g->size, b);
	}
	b->state = !handed ? BLOCK_NEVER : live ? BLOCK_LIVE : BLOCK_DEAD;
}

void block_find(vaddr_t addr, struct block *b)
{
	uintptr_t e;

	*b = (struct block){.state = BLOCK_NONE};
	if (heap_other) {
		heap_other->find(addr, b);
		return;
	}
	if (!alias_ready || addr - alias_space.base >= alias_space.end - alias_space.base)
		return;
	e = alias_entry(addr);
	if (e & 1)
		large_find((const struct large *)(e & ~1UL), b);
	else if (e)
		view_find((struct view *)e, addr, b);
	else
		/* Used up and forgotten, or not used yet. */
		b->state = addr < alias_space.next ? BLOCK_DEAD : BLOCK_NEVER;
	if (b->state == BLOCK_DEAD && !b->base)
		b->base = addr;
}
