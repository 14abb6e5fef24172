/*
 * free.h - what every way of free does in a cut page, the shortest (malloc/short_free.c) and the
 * long (free.c).
 *
 * app context, no lock. livebits.h says how of two frees of one object one is told off.
 */
#ifndef UD_PAGES_FREE_H
#define UD_PAGES_FREE_H

#include "cutter.h"
#include "sweep.h"

/* Tells the sweep what the thread freed. */
static inline void cutter_told(struct cutter *c)
{
	uint64_t freed = owner_told(&c->own);

	pages_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

/* See livebits.h. */
static inline bool sheet_clear_mine(struct sheet *s, uint32_t idx)
{
	return livebits_clear_mine(s->live, &s->gone, idx);
}

/* Of the block at p, which this thread was just given. */
void pages_record(void *p, size_t size, int tid, uint32_t stack);

#endif
