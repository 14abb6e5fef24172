/*
 * clock.h - the time that the engine goes by. Any context of the app.
 */
#ifndef UD_CLOCK_H
#define UD_CLOCK_H

#include "sys.h"

#include <time.h>

/* Nanoseconds since some moment, in steps of a few milliseconds. Unit tests have a clock of their
 * own. */
uint64_t clock_ns(void);

/* The same to the nanosecond, by a call each time; 0: a filter does not allow it. */
static inline uint64_t clock_fine_ns(void)
{
	struct timespec t = {0};

	return sys_call3(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0)
		       ? 0
		       : (uint64_t)t.tv_sec * 1000000000UL + (uint64_t)t.tv_nsec;
}

#endif
