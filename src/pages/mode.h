/*
 * mode.h - when the dead of the pages die, and what is remembered. Read-only after pages_start.
 */
#ifndef UD_PAGES_MODE_H
#define UD_PAGES_MODE_H

#include "base/base.h"

struct pages_mode {
	bool records;
	uint32_t defer_frees;
	size_t defer_bytes;
	uint64_t defer_ns;
	uint32_t step;	   /* frees of one thread between looks at the bounds */
	size_t dead_bytes; /* of sheets and records kept for reports	      */
};

extern struct pages_mode pages_mode;

/* Once, with options read. */
void pages_start(void);

struct pages_swept {
	uint64_t pages_killed, runs_killed, sweeps;
};
extern struct pages_swept pages_swept; /* under pages_sweep_lock */

#endif
