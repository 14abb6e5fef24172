/* poison.c - see poison.h. app context. */
#include "poison.h"
#include "extable.h"
#include "late.h"
#include "mode.h"

bool poison_broken;

#define TWO sizeof(__m128i)

/* Two words of the filling, of which this is the first. */
static inline __m128i two_from(uint64_t word)
{
	return _mm_set_epi64x((long long)word + 8, (long long)word);
}

static inline __m128i two_next(__m128i two)
{
	return _mm_add_epi64(two, _mm_set1_epi64x(TWO));
}

static inline bool any_bit(__m128i two)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(two, _mm_setzero_si128())) != 0xffff;
}

void poison_words(vaddr_t at, vaddr_t end, uint64_t word)
{
	for (__m128i w = two_from(word); at < end; at += TWO, w = two_next(w))
		EXTABLE_STORE_TWO(at, w, failed);
	return;
failed:
	poison_broken = true;
}

/* The first word of [at, end) that is not as poison_words(at, end, word) left it; end: none, or unread. */
static struct differs compare(vaddr_t at, vaddr_t end, uint64_t word)
{
	for (; at < end; at += 8, word += 8) {
		uint64_t is = EXTABLE_LOAD(at, unread);

		if (unlikely(is != word))
			return (struct differs){at, is};
	}
unread:
	return (struct differs){end, 0};
}

/* Is there nothing that differs, for certain? Asked of a line of the cache at once. */
static bool is_whole(vaddr_t at, vaddr_t end, uint64_t word)
{
	__m128i w = two_from(word), differ;

	for (; at + 64 <= end; at += 64) {
		differ = _mm_setzero_si128();
		for (unsigned i = 0; i < 64; i += TWO, w = two_next(w))
			differ |= EXTABLE_LOAD_TWO(at + i, unread) ^ w;
		if (unlikely(any_bit(differ)))
			return false;
	}
	for (; at < end; at += TWO, w = two_next(w)) {
		differ = EXTABLE_LOAD_TWO(at, unread) ^ w;
		if (unlikely(any_bit(differ)))
			return false;
	}
	return true;
unread:
	return false;
}

static bool page_is_zero(vaddr_t at)
{
	for (vaddr_t end = (at & PAGE_MASK) + PAGE_SIZE, w = at & PAGE_MASK; w < end; w += 8) {
		struct differs d = compare(w, w + 8, 0);

		if (d.at == w && d.value)
			return false;
	}
	return true;
}

bool poison_differs(vaddr_t at, size_t size, struct differs *d)
{
	vaddr_t end = at + MIN(size, POISON_MOST);

	if (likely(is_whole(at, end, poison_word(at))))
		return false;
	*d = compare(at, end, poison_word(at));
	return d->at != end && !poison_broken &&
	       !(mode.grouped && !d->value && page_is_zero(d->at));
}

void poison_note(const struct differs *d)
{
	late_note(LATE_WRITE, d->at + (vaddr_t)__builtin_ctzl(d->value ^ poison_word(d->at)) / 8,
		d->value);
}
