/*
 * poison.h - what stands in a freed block until it dies: in each aligned word, where that word lies.
 *
 * app context. No processor takes such a word for an address (bits 63 to 48 are not all alike), so who
 * loads a pointer from a freed block and goes there faults at once, and the fault says from where it
 * was loaded. As a number it is odd, and large or negative in either half.
 * What is another word when the block dies was written by somebody who held on to it.
 */
#ifndef UD_BASE_POISON_H
#define UD_BASE_POISON_H

#include "extable.h"

#define POISON_TAG   0xd1edUL
#define POISON_SHIFT 48

/* So many bytes of a block are filled: what untouched pages it has stay so. */
#define POISON_MOST PAGE_SIZE

static inline uint64_t poison_word(vaddr_t at)
{
	return POISON_TAG << POISON_SHIFT | at | 1;
}

/* A filling could not go on, ever: what was filled is not known then. */
extern bool poison_broken;

#define POISON_TWO sizeof(__m128i)

/* Two words of the filling, of which this is the first; the next two. */
static inline __m128i poison_two(uint64_t word)
{
	return _mm_set_epi64x((long long)word + 8, (long long)word);
}

static inline __m128i poison_next(__m128i two)
{
	return _mm_add_epi64(two, _mm_set1_epi64x(POISON_TWO));
}

/*
 * A slot of so many bytes at `at`, both multiples of 16. Where it cannot be written it stays as it is:
 * the program changed its pages, or another thread frees the same block, and was first.
 */
static inline void poison_fill(vaddr_t at, size_t size)
{
	vaddr_t end = at + MIN(size, POISON_MOST);

	for (__m128i w = poison_two(poison_word(at)); at < end;
		at += POISON_TWO, w = poison_next(w))
		EXTABLE_STORE_TWO(at, w, failed);
	return;
failed:
	poison_broken = true;
}

struct differs { /* a word that is not as it was filled */
	vaddr_t at;
	uint64_t value;
};

/*
 * What was filled so, and freed then: has somebody written there since? Not where it cannot be said: it
 * cannot be read; poison_broken; or, where blocks share private pages, the page has nothing but zeros, as
 * one has that the program gave back to the kernel.
 */
bool poison_differs(vaddr_t at, size_t size, struct differs *d);
/* n slots of so many bytes: are all of them, for certain, as they were filled? */
bool poison_whole(const vaddr_t *at, unsigned n, size_t size);
void poison_note(const struct differs *d); /* its first byte that differs (late.h) */

/* Is it a word that was loaded from a freed block, or near one? Then *at is where that lies. */
static inline bool poison_read(uint64_t word, vaddr_t *at)
{
	*at = word & ((1UL << POISON_SHIFT) - 8);
	return word >> POISON_SHIFT == POISON_TAG;
}

#endif
