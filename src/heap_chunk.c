/*
 * heap_chunk.c - chunks and the extents cut from them.
 *
 * app context, signals blocked; heap_chunk_lock guards the table of chunks. A chunk that has no
 * extent goes back to the system, but for a small pool of huge ones. Extents smaller than a
 * chunk share chunks with other classes; those chunks stay in 4 KB pages, so that a small
 * program pays for what it touches.
 */
#include "heap.h"
#include "meta.h"
#include "mmu.h"

#define PART_PAGES  32
#define CHUNK_PARTS (EXTENT_PAGES / PART_PAGES)

struct lock heap_chunk_lock;

static uint16_t *chunk_free; /* by chunk id: free parts; meaningful where chunk_used */
static uint8_t *chunk_used;
static uint32_t chunk_top; /* 1 + highest id ever used */
static size_t chunk_count;
static uint32_t shared_chunk; /* the shared chunk that had room last */

/*
 * Whole huge chunks that no class has now, their bytes as they were left. Clearing and joining
 * 2 MB again would cost more than all its views.
 */
#define POOL_MAX 64
static uint32_t pool[POOL_MAX];
static uint32_t pool_count;

static uint16_t part_mask(unsigned first, unsigned n)
{
	return (uint16_t)(((1U << n) - 1) << first);
}

/* A free run of n parts (a power of two) at a multiple of n; -1 if none. */
static int parts_find(uint16_t freemask, unsigned n)
{
	for (unsigned i = 0; i < CHUNK_PARTS; i += n)
		if ((freemask & part_mask(i, n)) == part_mask(i, n))
			return (int)i;
	return -1;
}

static int parts_find_shared(unsigned n, uint32_t *id)
{
	uint32_t from = shared_chunk;

	/* A few around the last one: the table may be long, and full of whole chunks. */
	for (uint32_t k = 0; k < 64 && k < chunk_top; k++) {
		uint32_t i = from >= k ? from - k : from + chunk_top - k;
		int at = chunk_used[i] ? parts_find(chunk_free[i], n) : -1;

		if (at >= 0) {
			*id = i;
			return at;
		}
	}
	return -1;
}

static bool tables_make(void)
{
	if (chunk_used)
		return true;
	chunk_free = meta_table(HEAP_CHUNK_MAX * sizeof(*chunk_free));
	chunk_used = chunk_free ? meta_table(HEAP_CHUNK_MAX) : NULL;
	return chunk_used;
}

/* Returns the first part, or -1. *dirty: the chunk is huge, and not zero. */
static int parts_take(unsigned n, uint32_t *id, bool *dirty)
{
	int at = -1;

	*dirty = false;
	lock_take(&heap_chunk_lock);
	if (!tables_make())
		goto out;
	if (n < CHUNK_PARTS)
		at = parts_find_shared(n, id);
	if (at < 0) {
		*dirty = n == CHUNK_PARTS && pool_count;
		if (*dirty)
			*id = pool[--pool_count];
		else if (mmu->chunk_take(id) || *id >= HEAP_CHUNK_MAX)
			goto out;
		chunk_used[*id] = 1;
		chunk_free[*id] = 0xffff;
		chunk_top = MAX(chunk_top, *id + 1);
		chunk_count++;
		at = 0;
	}
	chunk_free[*id] &= (uint16_t)~part_mask((unsigned)at, n);
	if (n < CHUNK_PARTS)
		shared_chunk = *id;
out:
	lock_drop(&heap_chunk_lock);
	return at;
}

static void parts_give(uint32_t id, unsigned first, unsigned n, bool huge)
{
	lock_take(&heap_chunk_lock);
	chunk_free[id] |= part_mask(first, n);
	if (chunk_free[id] == 0xffff) {
		chunk_used[id] = 0;
		chunk_count--;
		if (huge && pool_count < POOL_MAX)
			pool[pool_count++] = id;
		else
			mmu->chunk_give(id);
		/* A share of what is in use, so that the pool shrinks with the heap. */
		while (pool_count > 4 + chunk_count / 8)
			mmu->chunk_give(pool[--pool_count]);
	} else {
		mmu->chunk_trim(id, first * PART_PAGES, n * PART_PAGES);
	}
	lock_drop(&heap_chunk_lock);
}

void heap_trim(void)
{
	lock_take(&heap_chunk_lock);
	while (pool_count)
		mmu->chunk_give(pool[--pool_count]);
	lock_drop(&heap_chunk_lock);
}

struct extent *heap_extent_new(const struct geom *g, unsigned pages, bool huge)
{
	unsigned n = pages / PART_PAGES;
	struct extent *e = meta_alloc(sizeof(*e) + g->rows * sizeof(e->rows[0]));
	uint32_t id;
	bool dirty;
	int first;

	if (!e)
		return NULL;
	first = parts_take(n, &id, &dirty);
	if (first < 0) {
		meta_free(e, sizeof(*e) + g->rows * sizeof(e->rows[0]));
		return NULL;
	}
	e->geom = g;
	e->chunk = id;
	e->first = (uint16_t)(first * PART_PAGES);
	e->pages = (uint16_t)pages;
	e->units = (uint16_t)(pages / g->unit_pages);
	e->dirty = dirty;
	e->huge = dirty || (huge && pages == EXTENT_PAGES);
	if (e->huge && !dirty)
		mmu->chunk_huge(id);
	return e;
}

void heap_extent_free(struct extent *e)
{
	for (unsigned i = 0; i < e->geom->rows; i++)
		if (e->rows[i])
			meta_free(e->rows[i], sizeof(struct row) + row_words(e) * 8);
	parts_give(e->chunk, e->first / PART_PAGES, e->pages / PART_PAGES, e->huge);
	meta_free(e, sizeof(*e) + e->geom->rows * sizeof(e->rows[0]));
}

size_t heap_bytes(void)
{
	return (chunk_count + pool_count) << HUGE_SHIFT;
}

uint32_t heap_chunks_used(const uint8_t **used)
{
	*used = chunk_used;
	return chunk_top;
}
