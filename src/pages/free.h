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
#include "trace/trace.h"

#include <sys/single_threaded.h>

/* Where a page is one block's, what is freed may die at once. */
static inline bool page_may_die_at_once(uint32_t slots)
{
	return mode.share && slots == 1;
}

/*
 * The block at p is about to be freed by o (NULL: no owner), its bit still set, for what is dead may be used by
 * others: it is filled, and where r is its record, it is noted by whom.
 */
static ALWAYS_INLINE void page_slot_ends(
	const struct owner *o, struct record *r, void *p, size_t size, bool moved, uint32_t stack)
{
	if (r)
		record_free(r, moved, owner_tid(o), stack, stamp_take(o));
	if (mode.poison)
		poison_fill(vaddr_of(p), size);
}

/* Of the block at p, which this thread was just given. */
void pages_record(void *p, size_t size, int tid, uint32_t stack);

#endif
