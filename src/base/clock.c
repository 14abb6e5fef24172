/* clock.c - see clock.h. Any context of the app. */
#include "clock.h"
#include "sys.h"

#include <time.h>

uint64_t clock_ns(void)
{
	struct timespec t = {0};

	sys_call3(__NR_clock_gettime, CLOCK_MONOTONIC_COARSE, (long)&t, 0);
	return (uint64_t)t.tv_sec * 1000000000UL + (uint64_t)t.tv_nsec;
}
