/*
 * lasting.h - the sizes whose pages outlive the others of their sheet.
 *
 * app context. One page that lives keeps a sheet from moving, and fresh memory, the dearest thing there is, comes
 * instead. So sizes that last are cut from sheets of their own; which these are is learned from every sheet once, when
 * it is cleaned for the first time, or is dead.
 */
#ifndef UD_PAGES_LASTING_H
#define UD_PAGES_LASTING_H

#include "sheet.h"

/* A bit for each class of up to a page. Read by whoever cuts, without a lock. */
extern _Atomic uint64_t lasting_sizes;

static inline bool size_lasts(unsigned cls)
{
	return atomic_load_explicit(&lasting_sizes, memory_order_relaxed) >> cls & 1;
}

/* sweep_lock held: these pages of s are dead, the others live, and all were handed out. Once for each sheet. */
void lasting_learn(struct sheet *s, const uint64_t *dead);

#endif
