/* clock.c - see clock.h. Any context of the app. */
#include "clock.h"
#include "ticks.h"

/* Within so many ticks it is not asked again: less than a step of the kernel's clock. */
#define TICKS (1UL << 20)

uint64_t clock_ns(void)
{
	static _Atomic uint64_t last, last_tsc;
	uint64_t tsc = ticks();
	struct timespec t = {0};

	if (last && tsc - last_tsc < TICKS)
		return last;
	/* A filter does not allow it: the bounds are kept if ticks are taken for nanoseconds. */
	if (sys_call3(__NR_clock_gettime, CLOCK_MONOTONIC_COARSE, (long)&t, 0))
		return last + (tsc - last_tsc);
	last = (uint64_t)t.tv_sec * 1000000000UL + (uint64_t)t.tv_nsec;
	last_tsc = tsc;
	return last;
}
