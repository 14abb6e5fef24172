/*
 * atonce.h - does what is freed here die before free returns? strict: always; deferred: never;
 * adaptive: as base/budget.h says, by the place that frees.
 *
 * app context, no lock.
 */
#ifndef UD_ROWS_ATONCE_H
#define UD_ROWS_ATONCE_H

#include "view.h"

void atonce_start(void); /* once, with the mode known */

bool atonce_adaptive(const struct view *v, uint32_t stack, void *frame);

/* Something in v is freed: by this stack, or (0) by the caller of the exported function. */
static inline bool atonce_claims(const struct view *v, uint32_t stack, void *frame)
{
	return mode.share && (mode.strict || atonce_adaptive(v, stack, frame));
}

/* A kill began then, by the time stamp counter. dear: it split a huge page. Not in strict. */
void atonce_charge(uint64_t begun, bool dear);

struct atonce_counts {
	_Atomic uint64_t kills, places;
	_Atomic uint64_t ns; /* charged */
};
extern struct atonce_counts atonce_counts;

#endif
