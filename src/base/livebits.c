/* livebits.c - see livebits.h. app context. */
#include "livebits.h"
#include "lock.h"
#include "meta.h"

_Atomic uint64_t *livebits_others(_Atomic(_Atomic uint64_t *) *others, size_t words)
{
	_Atomic uint64_t *gone = atomic_load(others), *made;
	struct lock_section s;

	if (likely(gone != NULL))
		return gone;
	lock_section_enter(&s);
	made = meta_alloc(words * sizeof(*made));
	if (made && atomic_compare_exchange_strong(others, &gone, made))
		gone = made;
	else if (made)
		meta_free((void *)made, words * sizeof(*made));
	lock_section_leave(&s);
	return gone;
}

uint32_t livebits_twice(
	const _Atomic uint64_t *live, const _Atomic(_Atomic uint64_t *) *others, uint32_t words)
{
	const _Atomic uint64_t *gone = atomic_load(others);

	for (uint32_t w = 0; gone && w < words; w++) {
		uint64_t both = atomic_load(&gone[w]) & ~atomic_load(&live[w]);

		if (both)
			return w * 64 + (uint32_t)__builtin_ctzl(both);
	}
	return ~0U;
}
