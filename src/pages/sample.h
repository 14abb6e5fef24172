/*
 * sample.h - one allocation in so many (--sample) has pages of its own, between guards, and its stacks.
 *
 * app context. Such a block is a large one (large.h) that lies at the end of its pages or, at random,
 * at their beginning, and is dead at free: a rare overflow or use after free shows in production, too.
 */
#ifndef UD_PAGES_SAMPLE_H
#define UD_PAGES_SAMPLE_H

#include "large.h"

#define SAMPLE_MAX (64UL << 10) /* larger blocks are not sampled */

/* How many allocations are passed over until the next is due: each is due with the same chance. */
uint64_t sample_gap(void);

/* Is this allocation of the thread due, where each one asks? */
bool sample_due(void);

/* NULL: not this one, after all; errno is untouched. align: a power of two, at most a page. */
void *sample_alloc(size_t size, size_t align, bool zero, void *frame);

/* Its memory is kept for the next one at fresh addresses, or is the system's. In a section. */
void sample_died(const struct large *l);

#endif
