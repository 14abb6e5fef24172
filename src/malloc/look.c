/*
 * look.c - see base/look.h: what a debugger asks, of a process or of its core. Any context of the app;
 * nothing but reading, for it also runs where only a copy of the process's memory is.
 */
#include "malloc.h"

_Static_assert(LOOK_FRAMES == STACK_MAX, "of a stack all that is kept");

UD_EXPORT void ud_look(vaddr_t addr, struct lookup *l)
{
	l->report = report_told();
	l->nalloc = l->nfree = 0;
	l->next = engine_next(addr + 1);
	block_find(addr, &l->block);
	if (l->block.state != BLOCK_LIVE && l->block.state != BLOCK_DEAD)
		return;
	l->nalloc = depot_get(l->block.alloc_stack, l->alloc, LOOK_FRAMES);
	if (l->block.state == BLOCK_DEAD)
		l->nfree = depot_get(l->block.free_stack, l->free, LOOK_FRAMES);
}
