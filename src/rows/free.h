/*
 * free.h - what every way of free does, the shortest (malloc/short_free.c) and the long (free.c).
 *
 * app context, no lock. An object has two bits: its owner, the thread that handed it out, clears
 * one; any other thread sets the other. What is freed already is a double free by either.
 */
#ifndef UD_ROWS_FREE_H
#define UD_ROWS_FREE_H

#include "sweep.h"
#include "cursors.h"

/* Tells the sweep what the thread freed. */
static inline void cursors_told(struct cursors *tc)
{
	uint64_t freed = owner_told(&tc->own);

	sweep_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

/*
 * Clears bit n of *word, which only one thread clears; what was it? One instruction, so that a
 * handler sees it whole; with a lock prefix it would wait for all that the program has stored.
 */
static inline bool bit_clear(_Atomic uint64_t *word, uint64_t n)
{
	bool was;

	__asm__ volatile("btrq %2, %0" : "+m"(*word), "=@ccc"(was) : "r"(n) : "memory");
	return was;
}

/* Clears object idx in the bits that only its owner clears; false if it was freed before. */
static inline bool clear_mine(struct view *v, uint32_t idx)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(&v->gone, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was = bit_clear(&v->live[idx / 64], n);

	if (unlikely(gone != NULL))
		was = was && !(gone[idx / 64] >> n & 1);
	return was;
}

#endif
