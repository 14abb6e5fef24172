/* tsc.h - a time stamp counter that the test sets, in place of base/ticks.h (// flags: of the test). */
#ifndef UD_BASE_TICKS_H
#define UD_BASE_TICKS_H

extern unsigned long long tsc_now;

static inline unsigned long ticks(void)
{
	return tsc_now;
}

#endif
