/*
 * near.h - the live block that an address is nearest to.
 *
 * app context, fault path. Nothing but questions to block_find: a few milliseconds at most.
 */
#ifndef UD_NEAR_H
#define UD_NEAR_H

#include "base/base.h"

/* The last live block that begins at or before addr and has pages within `reach` before it. */
bool near_before(vaddr_t addr, size_t reach, struct block *b);

/* The nearest one on either side, if there is any within a gigabyte. */
bool near_find(vaddr_t addr, struct block *b);

/* How far behind its end is addr? */
static inline size_t near_past(const struct block *b, vaddr_t addr)
{
	return addr > b->base + b->size ? addr - (b->base + b->size) : 0;
}

#endif
