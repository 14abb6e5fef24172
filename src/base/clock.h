/*
 * clock.h - the time that the engine goes by. Any context of the app.
 */
#ifndef UD_CLOCK_H
#define UD_CLOCK_H

#include "words.h"

/* Nanoseconds since some moment, in steps of a few milliseconds. Unit tests have a clock of their
 * own. */
uint64_t clock_ns(void);

#endif
