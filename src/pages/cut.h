/*
 * cut.h - a thread cuts the pages of its sheets in order, each for the class that wants one next.
 *
 * app context; the thread's own cursors, no lock. Runs have sheets of their own, by their length:
 * the holes between others are too small for them. So have the sizes that last (lasting.h).
 */
#ifndef UD_CUT_H
#define UD_CUT_H

#include "cutter.h"
#include "lasting.h"

static inline struct supply *supply_of(struct cutter *c, unsigned cls)
{
	unsigned pages = page_kinds[cls + 1].pages;

	if (pages == 1)
		return &c->supply[size_lasts(cls)];
	return &c->supply[2 + (pages > 2) + (pages > 5) + (pages > 16)];
}

/*
 * Cuts the next page or run of pages for cls; false when the supply has no more, or there is no
 * memory for records (*no_memory). Outside of a section only if there is some left for these.
 */
bool supply_cut(struct cutter *c, unsigned cls, bool section, bool *no_memory);

/* The cursor may go on from here to the end of its page, or to where the next sample is due (b->due). */
void bump_aim(struct cutter *c, unsigned cls);

/* Another sheet for the supply of cls. 0 or -errno. In a section. */
int supply_refill(struct cutter *c, unsigned cls);

#endif
