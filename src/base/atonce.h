/*
 * atonce.h - does what is freed here die before free returns? strict: always; adaptive, and blocks of
 * a page and more in grouped: as budget.h says, by the place that frees; deferred: never.
 *
 * app context, no lock.
 */
#ifndef UD_BASE_ATONCE_H
#define UD_BASE_ATONCE_H

#include "mode.h"
#include "words.h"

#include <stdatomic.h>

void atonce_start(void); /* once, with the mode known */

/* The place that frees: its stack, or (0) the caller of the exported function, and the size class. */
static inline uint64_t atonce_place(uint32_t stack, void *frame, unsigned cls)
{
	if (stack || !frame)
		return stack;
	/* Behind the saved frame pointer: where it returns to. */
	return ((const uint64_t *)frame)[1] ^ (uint64_t)cls << 56;
}

/*
 * Of each thread (owner.h): where the last time was refused, and so many frees there need not ask.
 * Places share them by their hash.
 */
struct atonce_rest {
	uint64_t place;
	uint32_t frees;
};
#define ATONCE_RESTS 64

static inline struct atonce_rest *atonce_rest(struct atonce_rest *rests, uint64_t place)
{
	return &rests[place * GOLDEN >> 58];
}

/* Need this free of the place not ask? */
static inline bool atonce_rests(struct atonce_rest *rests, uint64_t place)
{
	struct atonce_rest *r = atonce_rest(rests, place);

	if (r->place != place || !r->frees)
		return false;
	r->frees--;
	return true;
}

/* Not in strict. dear: budget.h. rests: the thread's, or NULL. */
bool atonce_allows(struct atonce_rest *rests, uint64_t place, bool dear);

/* A kill began then, by the time stamp counter; `after` ticks more are to come. Not in strict. */
void atonce_charge(uint64_t begun, uint64_t after);

struct atonce_counts {
	_Atomic uint64_t kills, places;
	_Atomic uint64_t ns; /* charged */
};
extern struct atonce_counts atonce_counts;

#endif
