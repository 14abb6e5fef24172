/*
 * trim.c - malloc_trim: pages of memory in which every unit is free go back to the system.
 *
 * app context, signals blocked. All classes are locked, so that no unit is taken meanwhile: a page
 * of a chunk belongs to units of many rows, and of up to four classes. What breaks it: a unit that
 * some view shows, and that is free in its row.
 */
#include "heap.h"
#include "base/base.h"
#include "host/host.h"

#define PAGE_WORDS (CHUNK_PAGES / 64)

static uint64_t (*in_use)[PAGE_WORDS]; /* of each chunk: its pages */

/* The units of a word that are not free in some row; of no account behind the last. */
static uint64_t units_in_use(const struct extent *e, unsigned word)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < e->fresh_rows; i++)
		out |= ~e->rows[i]->free[word];
	return out;
}

static void unit_mark(const struct extent *e, unsigned u)
{
	unsigned page = e->first + u * e->geom->unit_pages;

	if (u >= e->units)
		return;
	for (unsigned i = 0; i < e->geom->unit_pages; i++, page++)
		in_use[e->chunk + page / CHUNK_PAGES][page % CHUNK_PAGES / 64] |= 1UL
										  << (page % 64);
}

static void extent_mark(const struct extent *e)
{
	if (extent_is_private(e))
		return;
	for (unsigned w = 0; w < row_words(e); w++) {
		uint64_t units = units_in_use(e, w);

		for (; units; units &= units - 1)
			unit_mark(e, w * 64 + (unsigned)__builtin_ctzl(units));
	}
}

static void chunk_punch(uint32_t id)
{
	unsigned from = 0;

	for (unsigned page = 0; page <= CHUNK_PAGES; page++) {
		if (page < CHUNK_PAGES && !(in_use[id][page / 64] >> (page % 64) & 1))
			continue;
		if (page > from)
			host_chunk_trim(id, from, page - from);
		from = page + 1;
	}
}

static void pages_trim_free(void)
{
	uint32_t n = heap_chunks();

	in_use = n ? meta_table(n * sizeof(*in_use)) : NULL;
	if (!in_use)
		return;
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		for (const struct extent *e = heap_class[c].busy; e; e = e->next)
			extent_mark(e);
	for (uint32_t id = 0; id < n; id++)
		if (heap_chunk_used(id))
			chunk_punch(id);
	sys_munmap(vaddr_of((void *)in_use), n * sizeof(*in_use));
}

void heap_trim(void)
{
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		lock_take(&heap_class[c].lock);
	pages_trim_free();
	for (unsigned c = HEAP_CLASSES; c-- > 0;)
		lock_drop(&heap_class[c].lock);
	heap_pool_trim();
}
