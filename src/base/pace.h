/*
 * pace.h - when the next sweep is due, and how much may wait until then: the counts, and the
 * memory of the last one, to which policy.h is applied.
 *
 * app context. One engine runs, and one sweep at a time, under its own lock.
 */
#ifndef UD_BASE_PACE_H
#define UD_BASE_PACE_H

#include "policy.h"

/* So much was freed by this thread since it last said so. heap: bytes. True: a sweep is due. */
bool pace_freed(uint32_t frees, size_t bytes, size_t heap);

/* Called there, and where a large block is freed; NULL: nobody wants to know. */
extern void (*pace_tick)(void);
/* Freed bytes that wait to die, about. No lock. */
uint64_t pace_waiting(void);

/* In a sweep, in this order. */
void pace_begin(void);
/* What the threads do may be looked at again; see LOOK_NS. */
bool pace_look(void);
void pace_kills_begin(void);
/* So much of a heap may wait. */
size_t pace_most(size_t heap);
/* The kills are over, of what does not wait on. */
void pace_kills_end(size_t heap);
/* Any time: so many bytes of the heap live now. What lived lately and does not now may wait on top. */
void pace_lives(size_t bytes);
/* Any time: so long it took to have fresh memory in place of some that was killed. */
void pace_refilled(uint64_t cycles);
/* So much waits on. */
void pace_end(size_t left);

/* Any time a sweep may run: so much of what waited is dead. */
void pace_died(size_t bytes);

/* Since when something waits. */
struct pace_since {
	uint64_t frees, ns; /* frees: one more; 0: nothing does */
};
/* At a sweep's first look at it: since the sweep before, unless it waited already. */
void pace_waits(struct pace_since *since);
/* It would be older than it may be at the next sweep. */
bool pace_is_old(const struct pace_since *since);

#endif
