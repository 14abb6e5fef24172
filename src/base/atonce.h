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

/* Not in strict. dear: a huge page would be split. */
bool atonce_allows(uint64_t place, bool dear);

/* A kill began then, by the time stamp counter; `after` ticks more are to come. Not in strict. */
void atonce_charge(uint64_t begun, uint64_t after);

struct atonce_counts {
	_Atomic uint64_t kills, places;
	_Atomic uint64_t ns; /* charged */
};
extern struct atonce_counts atonce_counts;

#endif
