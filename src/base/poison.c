/* poison.c - see poison.h. app context. */
#include "poison.h"
#include "late.h"
#include "mode.h"

bool poison_broken;

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

bool poison_whole(const vaddr_t *at, unsigned n, size_t size)
{
	__m128i differ = _mm_setzero_si128();

	size = MIN(size, POISON_MOST);
	for (const vaddr_t *end = at + n; at < end; at++) {
		__m128i w = poison_two(poison_word(*at));

		for (vaddr_t a = *at; a < *at + size; a += POISON_TWO, w = poison_next(w))
			differ |= EXTABLE_LOAD_TWO(a, unread) ^ w;
	}
	return _mm_movemask_epi8(_mm_cmpeq_epi8(differ, _mm_setzero_si128())) == 0xffff;
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

	if (likely(poison_whole(&at, 1, size)))
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
