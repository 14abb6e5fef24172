/*
 * stats.h - the counts, printed at exit (--stats) and by malloc_stats.
 *
 * app context; prints without malloc or stdio. start() has run.
 */
#ifndef UD_STATS_H
#define UD_STATS_H

#include "base/base.h"

void stats_print(struct out *o);

#endif
