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

/* Something in v is freed: by this stack, or (0) by the caller of the exported function. */
bool atonce_claims(const struct view *v, uint32_t stack, void *frame);

/* A kill took so long. dear: it split a huge page. */
void atonce_charge(uint64_t ticks, bool dear);

struct atonce_counts {
	_Atomic uint64_t kills, places;
	_Atomic uint64_t ns; /* charged */
};
extern struct atonce_counts atonce_counts;

#endif
