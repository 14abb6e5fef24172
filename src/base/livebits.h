/*
 * livebits.h - which objects live: two bits of each tell two frees apart.
 *
 * app context, no lock. An object's owner, the thread that handed it out, clears its bit in `live`; any
 * other thread sets its bit in `gone`, which is made when first needed. What is freed already is a double
 * free by either. Both may come at the same instant, before the owner's store is seen: then the two
 * bits say so for ever. Where that is to be told at once (mode.one_bit), all clear the first one.
 */
#ifndef UD_BASE_LIVEBITS_H
#define UD_BASE_LIVEBITS_H

#include "mode.h"

#include <stdatomic.h>
#include <sys/single_threaded.h>

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

/* The living of 64 objects. */
static inline uint64_t livebits_word(
	const _Atomic uint64_t *live, const _Atomic(_Atomic uint64_t *) *others, uint32_t w)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(others, memory_order_acquire);
	uint64_t is = atomic_load_explicit(&live[w], memory_order_relaxed);

	if (unlikely(gone != NULL))
		is &= ~atomic_load_explicit(&gone[w], memory_order_relaxed);
	return is;
}

/* Clears object idx in the bits that only its owner clears; false if it was freed before. */
static inline bool livebits_clear_mine(
	_Atomic uint64_t *live, const _Atomic(_Atomic uint64_t *) *others, uint32_t idx)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(others, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was = bit_clear(&live[idx / 64], n);

	if (unlikely(gone != NULL))
		was = was && !(gone[idx / 64] >> n & 1);
	return was;
}

/*
 * Clears object idx by any thread, where all do so; false if it was freed before. alone: there is no
 * other thread.
 */
static inline bool livebits_clear_first(_Atomic uint64_t *live, uint32_t idx, bool alone)
{
	uint64_t n = idx % 64;
	bool was;

	if (alone)
		return bit_clear(&live[idx / 64], n);
	__asm__ volatile("lock btrq %2, %0"
			 : "+m"(live[idx / 64]), "=@ccc"(was)
			 : "r"(n)
			 : "memory");
	return was;
}

/* The bits for all others, so many words, made if need be; NULL: no memory. */
_Atomic uint64_t *livebits_others(_Atomic(_Atomic uint64_t *) *others, size_t words);

/*
 * By any thread; false if it was freed before. Without memory the owner's bit must do: memory may be
 * lost by that.
 */
static inline bool livebits_clear_other(
	_Atomic uint64_t *live, _Atomic(_Atomic uint64_t *) *others, size_t words, uint32_t idx)
{
	_Atomic uint64_t *gone = atomic_load_explicit(others, memory_order_acquire);
	uint64_t n = idx % 64;
	bool was;

	if (unlikely(!gone))
		gone = livebits_others(others, words);
	if (unlikely(!gone))
		return atomic_fetch_and(&live[idx / 64], ~(1UL << n)) >> n & 1;
	__asm__ volatile("lock btsq %2, %0"
			 : "+m"(gone[idx / 64]), "=@ccc"(was)
			 : "r"(n)
			 : "memory");
	return !was && atomic_load_explicit(&live[idx / 64], memory_order_relaxed) >> n & 1;
}

/* Of these ways the one that is to be taken. mine: by its owner. */
static ALWAYS_INLINE bool livebits_clear(_Atomic uint64_t *live,
	_Atomic(_Atomic uint64_t *) *others, size_t words, uint32_t idx, bool mine)
{
	if (mode.one_bit)
		return livebits_clear_first(live, idx, __libc_single_threaded);
	return mine ? livebits_clear_mine(live, others, idx)
		    : livebits_clear_other(live, others, words, idx);
}

/* The first of `words` words of objects that two threads freed at once, or ~0. */
uint32_t livebits_twice(
	const _Atomic uint64_t *live, const _Atomic(_Atomic uint64_t *) *others, uint32_t words);

#endif
