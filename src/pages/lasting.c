/* lasting.c - see lasting.h. app context, sweep_lock held. */
#include "lasting.h"

_Atomic uint64_t lasting_sizes;
static struct policy_lives lives[SMALL_CLASSES];

void lasting_learn(struct sheet *s, const uint64_t *dead)
{
	uint32_t died[PAGES_CLASSES + 2] = {0}, lived[PAGES_CLASSES + 2] = {0};
	uint64_t last = 0;

	if (s->learned)
		return;
	s->learned = true;
	for (uint32_t u = 0; u < SHEET_PAGES; u++)
		if (dead[u / 64] >> (u % 64) & 1)
			died[KIND_OF(s->cut[u])]++;
		else
			lived[KIND_OF(s->cut[u])]++;
	for (unsigned c = 0; c < SMALL_CLASSES; c++)
		last |= (uint64_t)policy_lasts(&lives[c], died[c + 1], lived[c + 1]) << c;
	atomic_store_explicit(&lasting_sizes, last, memory_order_relaxed);
}
