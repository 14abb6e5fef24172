/*
 * chunk.c - chunks and the extents cut from them.
 *
 * app context, signals blocked; heap_chunk_lock guards the table of chunks. A chunk is cut in one
 * of two ways: into pieces of 32 pages, for objects larger than a page and for classes in little
 * use, or into columns, 1 KB of each of its pages; a span is cut into columns as if it were one
 * chunk, and its first one stands for all. A chunk that has no extent goes back to the system, but
 * for a small pool of huge ones. Chunks begin in 4 KB pages, so that a small program pays for what
 * it touches. Private extents have no chunk, and are only counted. What breaks it: a column that had
 * an extent before and passes for zero.
 */
#include "heap.h"
#include "base/base.h"
#include "host/host.h"

#define PART_PAGES   32
#define CHUNK_PIECES (CHUNK_PAGES / PART_PAGES)
#define ALL_PARTS    0xffffU
#define ALL_COLUMNS  0xfU
_Static_assert(PAGE_SIZE >> COLUMN_SHIFT == 4, "as many as ALL_COLUMNS has bits");

enum chunk_use { CHUNK_NONE, CHUNK_IN_PIECES, CHUNK_IN_COLUMNS };

struct lock heap_chunk_lock = LOCK(CHUNK);

struct chunk {
	uint16_t free;	   /* pieces or columns                                            */
	uint8_t dirty : 4; /* columns that some extent had: their bytes are not zero      */
	uint8_t huge : 1;  /* it was asked to be one huge page                            */
	uint8_t span : 1;  /* the first of a span; the others have nothing free           */
	uint8_t use : 2;   /* enum chunk_use; all else has no meaning where it is CHUNK_NONE */
	uint8_t shown;	   /* of columns: units that views took, by SHOWN_STEP            */
};
#define SHOWN_STEP 16U
#define SHOWN_MAX  255U
#define SHOWN_HUGE (512 / SHOWN_STEP)
#define SHOWN_BUSY (2048 / SHOWN_STEP)
#define SHOWN_HOT  (16384 / SHOWN_STEP)

/*
 * Of so many chunks in a row, made when the first of them is taken, and never given back. room:
 * those cut into columns that have some left, a bit each: [..][1] an aligned pair, [..][0] none;
 * [1][..] spans.
 */
#define CHUNKS_SET 256
struct chunks {
	struct chunk chunk[CHUNKS_SET];
	uint64_t room[2][2][CHUNKS_SET / 64];
};
static struct chunks *chunks[HOST_CHUNKS / CHUNKS_SET] UD_TABLE;

static uint32_t chunk_top; /* 1 + highest id ever used */
static size_t chunk_count;
static uint64_t shown_all;	 /* by all chunks cut into columns, so far; SHOWN_STEP each */
static uint32_t shared_chunk;	 /* the one cut into pieces that had room last */
static uint32_t room_from[2][2]; /* no word of room below it has a bit: the lowest chunk is taken
				  * first, so that others empty */

/*
 * Whole huge chunks, and spans, that no class has now, their bytes as they were left. Clearing and
 * joining 2 MB again would cost more than all its views.
 */
#define POOL_MAX 64
static struct {
	uint32_t count, id[POOL_MAX];
} pool[2];

/*
 * Pages of private extents: those that are there, and how many more may be. Each object has one, and
 * each comes by a fault: so only as many as a small program wants.
 */
#define PRIVATE_MAX   4096U
#define PRIVATE_LEAST 256U
static _Atomic uint32_t private_pages, private_left;

static uint16_t run_mask(unsigned first, unsigned n)
{
	return (uint16_t)(((1U << n) - 1) << first);
}

static struct chunk *chunk_at(uint32_t id)
{
	return &chunks[id / CHUNKS_SET]->chunk[id % CHUNKS_SET];
}

static uint64_t *room_at(bool span, unsigned pair, uint32_t word)
{
	const uint32_t words = CHUNKS_SET / 64;

	return &chunks[word / words]->room[span][pair][word % words];
}

static bool chunks_make(uint32_t id)
{
	struct chunks **set = &chunks[id / CHUNKS_SET];

	if (!*set)
		*set = meta_alloc(sizeof(**set));
	return *set;
}

static unsigned span_chunks(bool span)
{
	return span ? SPAN_CHUNKS : 1;
}

static size_t pooled_chunks(void)
{
	return pool[0].count + (size_t)SPAN_CHUNKS * pool[1].count;
}

/* A share of what is in use, so that the pool shrinks with the heap. */
static void pool_trim(size_t most)
{
	while (pooled_chunks() > most) {
		bool span = pool[1].count;
		uint32_t id = pool[span].id[--pool[span].count];

		for (unsigned i = 0; i < span_chunks(span); i++)
			host_chunk_give(id + i);
	}
}

static bool pool_take(bool span, uint32_t *id)
{
	if (!span && !pool[0].count && pool[1].count) {
		uint32_t first = pool[1].id[--pool[1].count];

		for (unsigned i = 0; i < SPAN_CHUNKS; i++)
			pool[0].id[pool[0].count++] = first + i;
	}
	if (!pool[span].count)
		return false;
	*id = pool[span].id[--pool[span].count];
	return true;
}

/* A chunk or a span for this use, all of it free; dirty and huge if it is from the pool. */
static bool chunk_take(enum chunk_use use, bool span, bool pooled, uint32_t *id)
{
	struct chunk k = {.span = span, .use = (uint8_t)(use & 3)};
	unsigned n = span_chunks(span);

	if (pooled && pool_take(span, id)) {
		k.dirty = ALL_COLUMNS;
		k.huge = 1;
	} else if (host_chunk_take(n, id)) {
		return false;
	} else if (!chunks_make(*id)) {
		for (unsigned i = 0; i < n; i++)
			host_chunk_give(*id + i);
		return false;
	}
	for (unsigned i = 0; i < n; i++)
		*chunk_at(*id + i) = k;
	chunk_at(*id)->free = use == CHUNK_IN_PIECES ? ALL_PARTS : ALL_COLUMNS;
	chunk_top = MAX(chunk_top, *id + n);
	chunk_count += n;
	return true;
}

/* All of it is free. */
static void chunk_give(uint32_t id)
{
	bool span = chunk_at(id)->span, huge = true;
	unsigned n = span_chunks(span);

	for (unsigned i = 0; i < n; i++) {
		chunk_at(id + i)->use = CHUNK_NONE;
		huge &= chunk_at(id + i)->huge;
	}
	chunk_count -= n;
	if (huge && pool[span].count < POOL_MAX)
		pool[span].id[pool[span].count++] = id;
	else
		for (unsigned i = 0; i < n; i++)
			host_chunk_give(id + i);
	pool_trim(4 + chunk_count / 8);
}

/* A free run of n pieces (a power of two) at a multiple of n; -1 if none. */
static int pieces_find(uint16_t freemask, unsigned n)
{
	for (unsigned i = 0; i < CHUNK_PIECES; i += n)
		if ((freemask & run_mask(i, n)) == run_mask(i, n))
			return (int)i;
	return -1;
}

static int pieces_find_shared(unsigned n, uint32_t *id)
{
	uint32_t from = shared_chunk;

	/* A few around the last one: the table may be long, and full of whole chunks. */
	for (uint32_t k = 0; k < 64 && k < chunk_top; k++) {
		uint32_t i = from >= k ? from - k : from + chunk_top - k;
		const struct chunk *c = heap_chunk_used(i) ? chunk_at(i) : NULL;
		int at = c && c->use == CHUNK_IN_PIECES ? pieces_find(c->free, n) : -1;

		if (at >= 0) {
			*id = i;
			return at;
		}
	}
	return -1;
}

static bool pieces_take(struct extent *e)
{
	unsigned n = e->pages / PART_PAGES;
	int at = n < CHUNK_PIECES ? pieces_find_shared(n, &e->chunk) : -1;

	if (at < 0) {
		if (!chunk_take(CHUNK_IN_PIECES, false, n == CHUNK_PIECES, &e->chunk))
			return false;
		at = 0;
	}
	chunk_at(e->chunk)->free &= (uint16_t)~run_mask((unsigned)at, n);
	if (n < CHUNK_PIECES)
		shared_chunk = e->chunk;
	e->first = (uint16_t)(at * PART_PAGES);
	e->dirty = chunk_at(e->chunk)->dirty;
	return true;
}

static void pieces_give(const struct extent *e)
{
	struct chunk *k = chunk_at(e->chunk);

	k->free |= run_mask(e->first / PART_PAGES, e->pages / PART_PAGES);
	if (k->free == ALL_PARTS)
		chunk_give(e->chunk);
	else
		host_chunk_trim(e->chunk, e->first, e->pages);
}

/* The first ones of the aligned pairs among free columns. */
static unsigned pairs(unsigned freemask)
{
	return freemask & freemask >> 1 & 5;
}

/* Its free columns have changed. */
static void room_note(uint32_t id)
{
	unsigned left = chunk_at(id)->use == CHUNK_IN_COLUMNS ? chunk_at(id)->free : 0;
	bool span = chunk_at(id)->span;
	uint64_t bit = 1UL << (id % 64);

	for (unsigned i = 0; i < 2; i++) {
		if (left && !pairs(left) == !i) {
			*room_at(span, i, id / 64) |= bit;
			room_from[span][i] = MIN(room_from[span][i], id / 64);
		} else {
			*room_at(span, i, id / 64) &= ~bit;
		}
	}
}

/* A chunk with n aligned columns left, rather one without a pair to break. */
static bool room_find(bool span, unsigned n, uint32_t *id)
{
	uint32_t last = chunk_top ? (chunk_top - 1) / 64 : 0;

	for (unsigned i = n / 2; chunk_top && i < 2; i++) {
		uint32_t *w = &room_from[span][i];

		while (*w < last && !*room_at(span, i, *w))
			++*w;
		if (*room_at(span, i, *w)) {
			*id = *w * 64 + (uint32_t)__builtin_ctzl(*room_at(span, i, *w));
			return true;
		}
	}
	return false;
}

static bool columns_take(struct extent *e)
{
	unsigned n = e->geom->width >> COLUMN_SHIFT, two, one, at, mask;
	bool span = e->pages > CHUNK_PAGES;
	struct chunk *k;

	if (!room_find(span, n, &e->chunk) && !chunk_take(CHUNK_IN_COLUMNS, span, true, &e->chunk))
		return false;
	k = chunk_at(e->chunk);
	two = pairs(k->free);
	one = k->free & ~(two | two << 1);
	at = (unsigned)__builtin_ctz(n > 1 ? two : one ? one : k->free);
	mask = run_mask(at, n);
	e->dirty = k->dirty & mask;
	k->dirty |= mask & ALL_COLUMNS;
	k->free &= (uint16_t)~mask;
	e->column = (uint16_t)(at << COLUMN_SHIFT);
	room_note(e->chunk);
	return true;
}

static void columns_give(const struct extent *e)
{
	struct chunk *k = chunk_at(e->chunk);

	k->free |= run_mask(e->column >> COLUMN_SHIFT, e->geom->width >> COLUMN_SHIFT);
	if (k->free == ALL_COLUMNS)
		chunk_give(e->chunk);
	room_note(e->chunk);
}

void heap_pool_trim(void)
{
	lock_take(&heap_chunk_lock);
	pool_trim(0);
	lock_drop(&heap_chunk_lock);
}

/* True: the caller has to make it so, without the lock. Its extent keeps the chunk. */
static bool huge_due(uint32_t id, bool pays)
{
	bool due = pays && !chunk_at(id)->huge;

	chunk_at(id)->huge |= due;
	return due;
}

/* Where it was in use at that moment, it is asked for again when it has been used as much again. */
static void chunk_make_huge(uint32_t id)
{
	if (host_chunk_huge(id))
		return;
	lock_take(&heap_chunk_lock);
	chunk_at(id)->huge = 0;
	chunk_at(id)->shown = 0;
	lock_drop(&heap_chunk_lock);
}

struct extent *heap_extent_new(const struct geom *g, unsigned pages, bool huge)
{
	struct extent *e = meta_alloc(sizeof(*e) + g->rows * sizeof(e->rows[0]));
	bool columns, ok, due = false;

	if (!e)
		return NULL;
	e->geom = g;
	e->pages = (uint16_t)pages;
	e->units = e->pages / g->unit_pages;
	columns = extent_in_columns(e);
	lock_take(&heap_chunk_lock);
	ok = columns ? columns_take(e) : pieces_take(e);
	if (ok)
		due = huge_due(e->chunk, huge && !columns && e->pages == CHUNK_PAGES);
	lock_drop(&heap_chunk_lock);
	if (!ok) {
		meta_free(e, sizeof(*e) + g->rows * sizeof(e->rows[0]));
		return NULL;
	}
	if (due)
		chunk_make_huge(e->chunk);
	return e;
}

static unsigned extent_rows(const struct extent *e)
{
	return extent_is_private(e) ? 1 : e->geom->rows;
}

static void extent_memory_give(const struct extent *e)
{
	if (extent_is_private(e)) {
		private_pages -= (uint32_t)e->units * e->geom->unit_pages;
		return;
	}
	lock_take(&heap_chunk_lock);
	if (extent_in_columns(e))
		columns_give(e);
	else
		pieces_give(e);
	lock_drop(&heap_chunk_lock);
}

void heap_extent_free(struct extent *e)
{
	for (unsigned i = 0; i < extent_rows(e); i++)
		if (e->rows[i])
			meta_free(e->rows[i], sizeof(struct row) + row_words(e) * 8);
	extent_memory_give(e);
	meta_free(e, sizeof(*e) + extent_rows(e) * sizeof(e->rows[0]));
}

void heap_private_allow(uint32_t pages)
{
	uint32_t room = PRIVATE_MAX - MIN(private_pages, PRIVATE_MAX);

	private_left = room < PRIVATE_LEAST ? 0 : MIN(pages, room);
}

static bool private_take(uint32_t pages)
{
	uint32_t left = private_left;

	do
		if (left < pages) {
			private_left = 0;
			return false;
		}
	while (!atomic_compare_exchange_weak(&private_left, &left, left - pages));
	private_pages += pages;
	return true;
}

struct extent *heap_extent_private(const struct geom *g, unsigned pages, unsigned units)
{
	struct extent *e;

	if (!private_take(units * g->unit_pages))
		return NULL;
	e = meta_alloc(sizeof(*e) + sizeof(e->rows[0]));
	if (!e) {
		private_pages -= units * g->unit_pages;
		return NULL;
	}
	e->geom = g;
	e->chunk = HEAP_PRIVATE;
	e->pages = (uint16_t)pages;
	e->units = (uint16_t)units;
	return e;
}

/*
 * A page fault for each unit costs as much as clearing and joining 2 MB after some hundreds of
 * them. Where every byte of the pages will be used, huge costs no memory either: then at once,
 * but for a small program; and in one that has used many, before anybody else has the chunk's
 * pages.
 */
static bool columns_pay(const struct extent *e, uint32_t units)
{
	struct chunk *k = chunk_at(e->chunk);
	uint32_t n = MAX(units / SHOWN_STEP, 1U);

	k->shown = (uint8_t)MIN(k->shown + n, SHOWN_MAX);
	shown_all += n;
	return k->shown >= SHOWN_HUGE || shown_all >= (e->geom->rows == 1 ? SHOWN_BUSY : SHOWN_HOT);
}

void heap_extent_shown(const struct extent *e, uint32_t units, bool again)
{
	uint32_t due = 0;
	bool pays;

	lock_take(&heap_chunk_lock);
	pays = extent_in_columns(e) ? columns_pay(e, units) : again && e->pages == CHUNK_PAGES;
	for (uint32_t i = 0; i < chunks_of(e->pages); i++)
		due |= (uint32_t)huge_due(e->chunk + i, pays) << i;
	lock_drop(&heap_chunk_lock);
	for (; due; due &= due - 1)
		chunk_make_huge(e->chunk + (uint32_t)__builtin_ctz(due));
}

bool heap_chunk_is_huge(uint32_t id)
{
	return chunk_at(id)->huge;
}

size_t heap_bytes(void)
{
	return ((chunk_count + pooled_chunks()) << HUGE_SHIFT) +
	       ((size_t)private_pages << PAGE_SHIFT);
}

uint32_t heap_chunks(void)
{
	return chunk_top;
}

bool heap_chunk_used(uint32_t id)
{
	return chunks[id / CHUNKS_SET] && chunk_at(id)->use != CHUNK_NONE;
}
