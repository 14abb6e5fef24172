/*
 * near.c - see near.h. Pure but for block_find, whose answer for an address between blocks may be
 * the one before, the one behind it, or none.
 */
#include "near.h"

#define REACH	  (1UL << 30)
#define STEPS_MAX (1U << 18)
#define BETWEEN	  16U /* blocks begin at multiples of it */

bool near_before(vaddr_t addr, size_t reach, struct block *b)
{
	vaddr_t at = addr;

	for (unsigned i = 0; i < STEPS_MAX && addr - at <= reach; i++) {
		block_find(at, b);
		if (b->state == BLOCK_NONE)
			break;
		if (b->state == BLOCK_LIVE && b->base <= addr)
			return true;
		at = (b->base && b->base <= at && !b->forgotten ? b->base : at & PAGE_MASK) - 1;
	}
	return false;
}

static bool near_after(vaddr_t addr, size_t reach, struct block *b)
{
	vaddr_t at = addr;

	for (unsigned i = 0; i < STEPS_MAX && at - addr <= reach; i++) {
		vaddr_t next = (at | (BETWEEN - 1)) + 1;

		block_find(at, b);
		if (b->state == BLOCK_NONE)
			break;
		if (b->state == BLOCK_LIVE && b->base > addr)
			return true;
		if (!b->base || b->forgotten)
			next = (at & PAGE_MASK) + PAGE_SIZE;
		else if (at - b->base < b->size)
			next = MAX(next, b->base + b->size);
		at = next;
	}
	return false;
}

bool near_find(vaddr_t addr, struct block *b)
{
	struct block after;
	bool before = near_before(addr, REACH, b);
	size_t reach = before ? MIN(near_past(b, addr), REACH) : REACH;

	if (near_after(addr, reach, &after) && after.base - addr < reach) {
		*b = after;
		return true;
	}
	return before;
}
