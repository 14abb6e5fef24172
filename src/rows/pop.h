/*
 * pop.h - the next object of a thread's word: an object to a page, or a few.
 *
 * app context; the thread's own cursor, no lock.
 */
#ifndef UD_ROWS_POP_H
#define UD_ROWS_POP_H

#include "view.h"
#include "cursors.h"

/*
 * The object at c->next, which is one. The next ones lie in pages of their own, most often in the
 * next pages at the same place: so one is fetched that comes soon.
 */
#define FETCH_AHEAD (4 * PAGE_SIZE)

static ALWAYS_INLINE void *cursor_pop(struct cursor *c, bool simple)
{
	void *p = vaddr_ptr(c->next);
	uint64_t m = c->mask & (c->mask - 1);
	uint32_t idx = c->word * 64 + (uint32_t)__builtin_ctzl(m | 1UL << 63);

	c->mask = m;
	c->next = 0;
	if (likely(m)) {
		c->next = simple ? view_simple_at(c->view, idx) : view_slot_at(c->view, idx);
		fetch_to_write(c->next + FETCH_AHEAD);
	}
	return p;
}

#endif
