/*
 * free.h - what every way of free does in a cut page, the shortest (malloc/short_free.c) and the
 * long (free.c).
 *
 * app context, no lock. An object has two bits: its owner, the thread that handed it out, clears
 * one; any other thread sets the other. What is freed already is a double free by either.
 */
#ifndef UD_PAGES_FREE_H
#define UD_PAGES_FREE_H

#include "cutter.h"
#include "sweep.h"

/* Tells the sweep what the thread freed. */
static inline void cutter_told(struct cutter *c)
{
	uint64_t freed = owner_told(&c->own);

	pages_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

/*
 * Clears bit n of *word, which only one thread clears; what was it? One instruction, so that a
 * handler sees it whole; with a lock prefix it would wait for all that the program has stored.
 */
static inline bool sheet_bit_clear(_Atomic uint64_t *word, uint64_t n)
{
	bool was;

	__asm__ volatile("btrq %2, %0" : "+m"(*word), "=@ccc"(was) : "r"(n) : "memory");
	return was;
}

/* Clears object idx in the bits that only its owner clears; false if it was freed before. */
static inline bool sheet_clear_mine(struct sheet *s, uint32_t idx)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(&s->gone, memory_order_acquire);
	uint64_t n = idx % SHEET_BITS;
	bool was = sheet_bit_clear(&s->live[idx / SHEET_BITS], n);

	if (unlikely(gone != NULL))
		was = was && !(gone[idx / SHEET_BITS] >> n & 1);
	return was;
}

/* Of the block at p, which this thread was just given. */
void pages_record(void *p, size_t size, int tid, uint32_t stack);

#endif
