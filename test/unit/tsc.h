/* tsc.h - a time stamp counter that the test sets. Before everything else (// flags: of the test). */
#ifndef UNIT_TSC_H
#define UNIT_TSC_H

extern unsigned long long tsc_now;

#define __builtin_ia32_rdtsc() (tsc_now)

#endif
