/*
 * stamp.h - how long ago something was freed: coarse stamps of time, few enough for a record.
 *
 * app context, no lock; stamp_age also in a fault handler. A stamp stands for a stretch of the run: 2^21
 * ticks at first, later a thousandth of the run so far, so that they last for weeks. Taking one is one
 * load. What breaks it: nobody looks for long, and the stretch goes on; what is known is told as
 * bounds, so it never becomes wrong.
 */
#ifndef UD_BASE_STAMP_H
#define UD_BASE_STAMP_H

#include "mode.h"
#include "owner.h"
#include "record.h"
#include "ticks.h"

/* Once, with the mode known, before the first block. made(): how many blocks were allocated so far. */
void stamp_start(uint64_t (*made)(void));
/* The time stamp counter says this: has the next stretch begun? */
void stamp_look(uint64_t tsc);

extern _Atomic uint32_t stamp_now; /* 0: not started */
extern uint64_t stamp_start_ns;	   /* when that was; 0: not known */

/* For what o (NULL: no owner) frees now: mode.looks says which of its frees look. */
static inline uint32_t stamp_take(const struct owner *o)
{
	if (!o || !(FREED_COUNT(o->freed) & mode.looks))
		stamp_look(ticks());
	return atomic_load_explicit(&stamp_now, memory_order_relaxed);
}

/* Least and most of each. */
struct stamp_age {
	uint64_t ns[2], allocs[2];
};

/* When the time stamp counter says that, so many ticks and allocations ago; false: it is not known. */
bool stamp_bounds(uint32_t stamp, uint64_t tsc, uint64_t past[2], uint64_t allocs[2]);
/* How long ago this one was given; false: it is not known. */
bool stamp_age(uint32_t stamp, struct stamp_age *a);

#endif
