/*
 * find.h - what is, or was, at an address. See find.c.
 */
#ifndef UD_ROWS_FIND_H
#define UD_ROWS_FIND_H

#include "view.h"

/*
 * Is object idx of v, at `at`, one that is still to be handed out, by whichever
 * thread? Its bit is set already. Never so of one that the caller has from malloc, in any way.
 * (Nothing is known of threads beyond OWNER_NONE.)
 */
bool slot_ahead(struct view *v, uint32_t idx, vaddr_t at);

/* What is at addr, which lies in v; see block.h. */
void rows_find(struct view *v, vaddr_t addr, struct block *b);

/* The first slot of v from addr on, used or not; 0: none. */
vaddr_t rows_next(const struct view *v, vaddr_t addr);

#endif
