/*
 * stats.h - what is counted, and its printing at exit (--stats).
 *
 * app context. Counts of single objects are per thread (tcache.h); those here change under the
 * lock that is named.
 */
#ifndef UD_STATS_H
#define UD_STATS_H

#include "out.h"

struct stats {
	uint32_t views_live, views_joined, supers_live; /* views_lock */
	uint64_t views_made, views_killed;		/* views_lock */
	uint64_t units_killed, runs_killed, sweeps;	/* sweep_lock, but for strict's own kills */
	uint64_t large_made, large_killed, large_live;	/* large_lock */
};

extern struct stats stats;

void stats_print(struct out *o);

#endif
