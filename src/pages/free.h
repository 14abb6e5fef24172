/*
 * free.h - what every way of free does in a cut page, the shortest (malloc/short_free.c) and the
 * long (free.c).
 *
 * app context, no lock. An object has two bits: its owner, the thread that handed it out, clears
 * one; any other thread sets the other. What is freed already is a double free by either.
 */
#ifndef UD_PAGES_FREE_H
#define UD_PAGES_FREE_H

#include "cache.h"
#include "mode.h"
#include "sweep.h"

/* What a thread freed it tells the sweep by the step, or by 64 KB. */
#define CACHE_STEP_BYTES (64UL << 10)

/* True: it is time for cache_freed. */
static inline bool cache_count_free(struct cache *c, size_t bytes)
{
	uint64_t freed = c->freed + CACHE_FREED_ONE + bytes;

	c->freed = freed;
	return CACHE_FREED_COUNT(freed) >= pages_mode.step ||
	       CACHE_FREED_BYTES(freed) >= CACHE_STEP_BYTES;
}

static inline void cache_freed(struct cache *c)
{
	uint64_t freed = c->freed;

	c->freed = 0;
	c->frees += CACHE_FREED_COUNT(freed);
	pages_freed((uint32_t)CACHE_FREED_COUNT(freed), CACHE_FREED_BYTES(freed));
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
