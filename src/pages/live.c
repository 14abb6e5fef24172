/*
 * live.c - what lives in all sheets, counted for mallinfo: no counter on the way of a malloc.
 *
 * app context. What breaks it: a sheet that goes while it is looked at; sheets go under
 * sweep_lock.
 */
#include "pages.h"

static size_t live_in_sheet(const struct sheet *s)
{
	size_t bytes = 0;

	for (uint32_t u = 0; u < s->handed; u++) {
		unsigned kind = KIND_OF(s->cut[u]);
		const struct page_kind *k = &page_kinds[kind];

		if (kind == KIND_NONE || kind == KIND_INNER)
			continue;
		for (uint32_t w = 0; w * SHEET_BITS < k->slots; w++)
			bytes += (size_t)__builtin_popcountl(
					 sheet_live_word(s, u + w * SHEET_PAGES)) *
				 k->size;
	}
	return bytes;
}

/* Cut and not handed out yet, though it counts as live in its page. */
static size_t ahead_of(const struct owner *o)
{
	const struct cutter *c = (const struct cutter *)o;
	size_t n = 0;

	for (unsigned cls = 0; cls < PAGES_CLASSES; cls++)
		n += bump_page_end(c, cls) - c->bump[cls].next;
	return n;
}

size_t pages_live_bytes(bool alone)
{
	size_t n = 0, ahead = owners_sum(ahead_of);

	if (!alone)
		lock_take(&sweep_lock);
	for (const struct sheet *s = sheets_living(); s; s = s->next)
		n += live_in_sheet(s);
	if (!alone)
		lock_drop(&sweep_lock);
	return n - MIN(n, ahead);
}
