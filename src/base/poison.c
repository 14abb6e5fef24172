/* poison.c - see poison.h. app context. */
#include "poison.h"
#include "late.h"
#include "mode.h"

bool poison_broken;

static inline bool any_bit(__m128i two)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(two, _mm_setzero_si128())) != 0xffff;
}

/* The first word of [at, end) that is not as they are filled from `word` on; end: none, or unread. */
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
	__m128i w = poison_two(word), differ;

	for (; at + 64 <= end; at += 64) {
		differ = _mm_setzero_si128();
		for (unsigned i = 0; i < 64; i += POISON_TWO, w = poison_next(w))
			differ |= EXTABLE_LOAD_TWO(at + i, unread) ^ w;
		if (unlikely(any_bit(differ)))
			return false;
	}
	for (; at < end; at += POISON_TWO, w = poison_next(w)) {
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
