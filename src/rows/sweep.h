/*
 * sweep.h - how views die: at once (strict, adaptive), or in a sweep (base/sweep.h).
 *
 * app context.
 */
#ifndef UD_ROWS_SWEEP_H
#define UD_ROWS_SWEEP_H

#include "view.h"

/* A unit died, and those that are inside the same object; killed before it returns, or later. */
void unit_died(struct view *v, uint32_t u, bool at_once);
/* A word of its objects has nothing alive: so may have all of it. */
void word_died(struct view *v);
extern const struct sweeper rows_sweeper;

#endif
