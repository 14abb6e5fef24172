/*
 * ticks.h - the processor's time stamp counter. Any context of the app; no system call.
 *
 * What breaks it: seccomp(2)'s strict mode and PR_SET_TSC leave a thread no counter. Then it stands at 0, as if no
 * time passed.
 */
#ifndef UD_BASE_TICKS_H
#define UD_BASE_TICKS_H

#include "extable.h"

static inline uint64_t ticks(void)
{
	uint64_t low = 0, high = 0;

	__asm__ goto volatile("1: rdtsc\n\t" EXTABLE_ENTRY(none)
			      : "=a"(low), "=d"(high)
			      :
			      :
			      : none);
	EXTABLE_FENCE();
	return high << 32 | low;
none:
	return 0;
}

#endif
