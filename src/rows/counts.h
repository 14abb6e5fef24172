/*
 * counts.h - what the rows count, for --stats and mallinfo.
 *
 * app context. Counts of single objects are per thread (base/owner.h); these change under the lock that
 * is named.
 */
#ifndef UD_ROWS_COUNTS_H
#define UD_ROWS_COUNTS_H

#include "base/base.h"

struct counts {
	uint32_t views_live, views_joined;  /* views_lock */
	uint32_t supers_live;		    /* super_lock */
	uint64_t views_made, views_killed;  /* views_lock */
	uint64_t units_killed, runs_killed; /* sweep_lock, but for strict's own kills */
};

extern struct counts rows_counts;

#endif
