/*
 * free.h - what every way of free does, the shortest (malloc/short_free.c) and the long (free.c).
 *
 * app context, no lock. An object has two bits: its owner, the thread that handed it out, clears
 * one; any other thread sets the other. What is freed already is a double free by either.
 */
#ifndef UD_ROWS_FREE_H
#define UD_ROWS_FREE_H

#include "sweep.h"
#include "cursors.h"

/* Tells the sweep what the thread freed. */
static inline void cursors_told(struct cursors *tc)
{
	uint64_t freed = owner_told(&tc->own);

	sweep_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

/* See livebits.h. */
static inline bool clear_mine(struct view *v, uint32_t idx)
{
	return livebits_clear_mine(v->live, &v->gone, idx);
}

/* The object at `at` is about to be freed, its bit still set: what is dead may be used by others. */
static inline void slot_poison(const struct view *v, vaddr_t at)
{
	if (mode.poison)
		poison_fill(at, v->geom->size);
}

#endif
