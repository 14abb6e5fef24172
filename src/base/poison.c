/* poison.c - see poison.h. app context. */
#include "poison.h"
#include "extable.h"
#include "late.h"
#include "mode.h"

bool poison_broken;

/* The first word of [at, end) that is not as poison_words(at, end, word) left it. */
struct differs {
	vaddr_t at; /* end: none does, or cannot be read */
	uint64_t value;
};

void poison_words(vaddr_t at, vaddr_t end, uint64_t word)
{
	for (; at < end; at += 8, word += 8)
		EXTABLE_STORE(at, word, failed);
	return;
failed:
	poison_broken = true;
}

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

static bool page_is_zero(vaddr_t at)
{
	for (vaddr_t end = (at & PAGE_MASK) + PAGE_SIZE, w = at & PAGE_MASK; w < end; w += 8) {
		struct differs d = compare(w, w + 8, 0);

		if (d.at == w && d.value)
			return false;
	}
	return true;
}

void poison_look(vaddr_t at, size_t size)
{
	vaddr_t end = at + MIN(size, POISON_MOST);
	struct differs d = compare(at, end, poison_word(at));

	if (likely(d.at == end) || poison_broken ||
		(mode.grouped && !d.value && page_is_zero(d.at)))
		return;
	late_note(LATE_WRITE, d.at + (vaddr_t)__builtin_ctzl(d.value ^ poison_word(d.at)) / 8,
		d.value);
}
