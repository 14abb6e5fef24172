/*
 * row.c - which row the next view of a class shows.
 *
 * app context, signals blocked. A row's free units are taken all at once by one view. Rows that
 * had a view and have units again stand in lists by how much of them is free; a view costs the
 * same for few units as for many, so fuller lists go first, and nearly full rows wait. The rule
 * that breaks it: a unit given back while some alias of it can still be written through.
 */
#include "heap.h"
#include "base/base.h"

struct class heap_class[HEAP_CLASSES];
struct geom heap_geom[GEOM_KINDS][HEAP_CLASSES];
static bool heap_spans;
static _Atomic bool heap_pieces;

#define COLD_PAGES   64U	 /* of an extent of a small class in little use        */
#define HOT_VIEWS    4		 /* as many, each within HURRY_CYCLES: it gets whole chunks */
#define SPAN_VIEWS   128	 /* and from so many on, spans                         */
#define HURRY_CYCLES (1UL << 27) /* of the time stamp counter: 30 to 120 ms             */
/*
 * Bytes of empty extents that a class keeps for a while, beside half of all it has: a sweep empties
 * many at once, which the next blocks want again. With one, and a quarter, sqlite took 2.6 times
 * glibc's time in deferred instead of 1.9, for pages that were given back and came as new ones.
 */
#define EMPTY_KEPT   (HUGE_SIZE / 2)

void heap_init(bool spans)
{
	heap_spans = spans;
	heap_pieces = true;
	heap_geom_init(heap_geom);
	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		heap_class[c].idx = (uint8_t)c;
		heap_class[c].lock.rank = LOCK_CLASS;
	}
}

/* 1 + the list for a row with n of `units` free; 0: too few to bother. */
static unsigned row_bucket(uint32_t n, uint32_t units)
{
	if (n * 8 < units)
		return 0;
	return n * 4 < units ? 1 : n * 2 < units ? 2 : n * 4 < units * 3 ? 3 : n < units ? 4 : 5;
}

static void row_unlist(struct class *c, struct row *r)
{
	if (!r->bucket)
		return;
	if (r->prev)
		r->prev->next = r->next;
	else
		c->row[r->bucket - 1] = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->bucket = 0;
}

static void row_list(struct class *c, struct row *r, unsigned bucket)
{
	row_unlist(c, r);
	r->bucket = (uint8_t)bucket;
	r->prev = NULL;
	r->next = c->row[bucket - 1];
	if (r->next)
		r->next->prev = r;
	c->row[bucket - 1] = r;
}

static bool extent_usable(const struct class *c, const struct extent *e)
{
	return !extent_is_private(e) && (e->geom->kind == GEOM_WIDE) == c->wide;
}

static bool extent_small(const struct class *c, const struct extent *e)
{
	return e->pages < c->pages;
}

/* Is it as new ones would be? */
static bool extent_wanted(const struct class *c, const struct extent *e)
{
	return extent_usable(c, e) && e->pages == c->pages;
}

/* Into the list where it belongs now, or out of all. */
static void row_relist(struct class *c, struct row *r)
{
	unsigned bucket = extent_usable(c, r->ext) ? row_bucket(r->nfree, r->ext->units) : 0;

	if (bucket && extent_small(c, r->ext))
		bucket += ROW_BUCKETS;
	if (!bucket)
		row_unlist(c, r);
	else if (bucket != r->bucket)
		row_list(c, r, bucket);
}

/* What is usable, or small, has changed. */
static void rows_relist(struct class *c)
{
	for (unsigned b = 0; b < ARRAY_LEN(c->row); b++)
		for (struct row *r = c->row[b], *next; r; r = next) {
			next = r->next;
			row_relist(c, r);
		}
	if (c->fresh && (!extent_usable(c, c->fresh) || extent_small(c, c->fresh)))
		c->fresh = NULL;
	c->grown = 0;
}

static void extent_link(struct extent **list, struct extent *e)
{
	e->prev = NULL;
	e->next = *list;
	if (e->next)
		e->next->prev = e;
	*list = e;
}

static void extent_unlink(struct extent **list, struct extent *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		*list = e->next;
	if (e->next)
		e->next->prev = e->prev;
}

static void extent_idle(struct class *c, struct extent *e)
{
	extent_unlink(&c->busy, e);
	extent_link(&c->idle, e);
	e->old = false;
	c->empty++;
}

static void extent_busy(struct class *c, struct extent *e)
{
	extent_unlink(&c->idle, e);
	extent_link(&c->busy, e);
	c->empty--;
}

/* Its geometry but for what differs between the kinds. */
static const struct geom *class_geom(const struct class *c)
{
	return &heap_geom[GEOM_COLUMN][c->idx];
}

static unsigned class_least_pages(const struct class *c)
{
	unsigned unit = class_geom(c)->unit_pages;

	if (unit == 1)
		return heap_pieces ? COLD_PAGES : CHUNK_PAGES;
	return unit <= 8 ? 32 : unit <= 32 ? 128 : CHUNK_PAGES;
}

/* That of its new extents. */
static const struct geom *class_geom_now(const struct class *c)
{
	enum geom_kind kind = c->wide		       ? GEOM_WIDE
			      : c->pages < CHUNK_PAGES ? GEOM_PIECE
						       : GEOM_COLUMN;

	return &heap_geom[kind][c->idx];
}

/* For what the class does with memory that it can use again, private extents do not count. */
static size_t extent_counts(const struct extent *e, size_t n)
{
	return extent_is_private(e) ? 0 : n;
}

static void extent_new_link(struct class *c, struct extent *e)
{
	c->extents++;
	c->bytes += extent_counts(e, extent_bytes(e));
	extent_link(&c->idle, e);
	c->empty++;
}

static struct extent *extent_add(struct class *c)
{
	const struct geom *g = class_geom_now(c);
	/* Touching 2 MB in small pages costs more than clearing a huge one. */
	struct extent *e = heap_extent_new(g, c->pages, g->unit_pages <= 8);

	if (!e && c->pages > class_least_pages(c)) {
		c->modest = true;
		c->pages = (uint16_t)class_least_pages(c);
		rows_relist(c);
		g = class_geom_now(c);
		e = heap_extent_new(g, c->pages, false);
	}
	if (!e)
		return NULL;
	c->fresh = e;
	c->grown++;
	extent_new_link(c, e);
	return e;
}

/* Gives an idle extent back. */
static void extent_drop(struct class *c, struct extent *e)
{
	for (unsigned i = 0; i < e->fresh_rows; i++) {
		row_unlist(c, e->rows[i]);
		c->free_units -= extent_counts(e, e->units);
	}
	extent_unlink(&c->idle, e);
	c->empty--;
	if (c->fresh == e)
		c->fresh = NULL;
	c->grown -= c->grown && extent_wanted(c, e);
	c->extents--;
	c->bytes -= extent_counts(e, extent_bytes(e));
	heap_extent_free(e);
}

/* Has it made n views, and on average each within HURRY_CYCLES? */
static bool class_hurries(struct class *c, uint32_t n)
{
	uint64_t before = c->looked_at;

	if (before && c->views - c->looked < n)
		return false;
	c->looked = c->views;
	c->looked_at = ticks();
	return before && c->looked_at - before < n * HURRY_CYCLES;
}

static unsigned class_pages_small(struct class *c)
{
	size_t whole = (size_t)class_geom(c)->width * CHUNK_PAGES;

	if (c->pages < CHUNK_PAGES && heap_pieces && !class_hurries(c, HOT_VIEWS) &&
		c->bytes <= whole / 2)
		return COLD_PAGES;
	if (c->pages >= CHUNK_PAGES && heap_spans && class_geom(c)->width == COLUMN_MIN &&
		class_hurries(c, SPAN_VIEWS))
		return EXTENT_PAGES_MAX;
	return CHUNK_PAGES;
}

static unsigned class_pages_medium(const struct class *c)
{
	if (c->views >= 16 && c->bytes >= HUGE_SIZE)
		return CHUNK_PAGES;
	return c->views < 2 ? 32 : c->views < 8 ? 64 : 128;
}

/*
 * Extents grow with the use of the class: many pages make cheap views, but a small program must not
 * pay 2 MB for each of its sizes, nor 4 MB for four.
 */
static void class_grow(struct class *c)
{
	unsigned least = class_least_pages(c), pages;

	pages = class_geom(c)->unit_pages == 1 ? class_pages_small(c) : class_pages_medium(c);
	pages = MAX(MAX(pages, least), c->pages);
	if (pages == c->pages)
		return;
	c->pages = (uint16_t)pages;
	rows_relist(c);
	while (c->idle && !extent_wanted(c, c->idle))
		extent_drop(c, c->idle);
}

/* The next row of e. */
static struct row *row_of(struct class *c, struct extent *e)
{
	struct row *r;

	r = meta_alloc(sizeof(*r) + row_words(e) * 8);
	if (!r)
		return NULL;
	r->ext = e;
	r->place = geom_place(e->column, e->fresh_rows);
	r->used = e->dirty;
	for (unsigned u = 0; u < e->units; u++)
		r->free[u / 64] |= 1UL << (u % 64);
	r->nfree = e->units;
	c->free_units += e->units;
	e->rows[e->fresh_rows++] = r;
	return r;
}

static struct row *row_fresh(struct class *c)
{
	struct extent *e = c->fresh;

	if (!e || e->fresh_rows == e->geom->rows)
		e = extent_add(c);
	return e ? row_of(c, e) : NULL;
}

/* Of private memory, as long as the program is small. */
static struct row *row_private(struct class *c, uint32_t most)
{
	const struct geom *g = &heap_geom[GEOM_PIECE][c->idx];
	unsigned pages = class_least_pages(c);
	struct extent *e;
	struct row *r;

	if (c->modest || c->wide || !heap_pieces)
		return NULL;
	e = heap_extent_private(g, pages, MIN(pages / g->unit_pages, most));
	if (!e)
		return NULL;
	r = row_of(c, e);
	if (!r) {
		heap_extent_free(e);
		return NULL;
	}
	extent_new_link(c, e);
	return r;
}

void heap_pieces_end(void)
{
	heap_pieces = false;
}

void heap_widen(struct class *c)
{
	if (heap_geom[GEOM_WIDE][c->idx].group_shift == class_geom(c)->group_shift)
		return;
	lock_take(&c->lock);
	c->wide = true;
	rows_relist(c);
	lock_drop(&c->lock);
}

/* The fullest of the lists that begin at `from`, but for the last: rows with too few free units. */
static struct row *row_listed(struct class *c, unsigned from)
{
	for (unsigned b = from + ROW_BUCKETS; b-- > from + 1;)
		if (c->row[b])
			return c->row[b];
	return NULL;
}

static struct row *row_pick(struct class *c)
{
	struct row *r = row_listed(c, 0);

	if (r)
		return r;
	if (c->fresh && c->fresh->fresh_rows < c->fresh->geom->rows)
		return row_fresh(c);
	/* Smaller extents serve before another is made, but not before the first as it should be.
	 */
	if (c->grown && (r = row_listed(c, ROW_BUCKETS)))
		return r;
	/* Rather sparse rows than much more memory than the class needs. */
	r = c->row[0] ? c->row[0] : c->row[ROW_BUCKETS];
	if (r && c->grown) {
		size_t unit = class_geom_now(c)->band;

		if (c->free_units * unit > c->bytes / 4 + (1UL << 20))
			return r;
	}
	r = row_fresh(c);
	for (unsigned b = ARRAY_LEN(c->row); !r && b; b--)
		r = c->row[b - 1];
	return r;
}

/* Moves the first units of r, `most` at most, to mask. */
static void row_cut(struct class *c, struct row *r, uint64_t *mask, uint32_t most)
{
	for (unsigned w = 0; w < row_words(r->ext); w++) {
		uint64_t m = r->free[w];

		while ((uint32_t)__builtin_popcountl(m) > most)
			m &= ~(1UL << (63 - __builtin_clzl(m)));
		mask[w] = m;
		r->free[w] &= ~m;
		most -= (uint32_t)__builtin_popcountl(m);
		r->nfree -= (uint32_t)__builtin_popcountl(m);
		c->free_units -= (size_t)__builtin_popcountl(m);
	}
}

/* 1 + the last. */
static uint32_t units_end(const uint64_t *mask, unsigned words)
{
	while (words && !mask[words - 1])
		words--;
	return words ? words * 64 - (uint32_t)__builtin_clzl(mask[words - 1]) : 0;
}

static _Atomic size_t used;

static size_t units_bytes(const struct extent *e, uint32_t n)
{
	return n *
	       (extent_is_private(e) ? (size_t)e->geom->unit_pages << PAGE_SHIFT : e->geom->band);
}

size_t heap_used_bytes(void)
{
	return used;
}

struct row *heap_row_take(
	struct class *c, uint32_t most, uint64_t *mask, bool *zeroed, uint32_t *there)
{
	uint32_t before;
	struct row *r;

	r = row_private(c, most);
	if (!r && !c->modest)
		class_grow(c);
	if (!r)
		r = row_pick(c);
	if (!r)
		return NULL;
	row_unlist(c, r);
	if (r->nfree == r->ext->units && !r->ext->busy_rows++)
		extent_busy(c, r->ext);
	before = r->nfree;
	row_cut(c, r, mask, most);
	used += units_bytes(r->ext, before - r->nfree);
	row_relist(c, r);
	*zeroed = !r->used;
	*there = r->ext->dirty ? r->ext->units : r->ext->there;
	r->ext->there = (uint16_t)MAX(*there, units_end(mask, row_words(r->ext)));
	if (!extent_is_private(r->ext))
		heap_extent_shown(r->ext, before - r->nfree, r->used);
	r->used = 1;
	c->views += (uint32_t)extent_counts(r->ext, 1);
	return r;
}

static bool empty_many(const struct class *c)
{
	return c->empty * extent_bytes(c->idle) > EMPTY_KEPT + c->bytes / 2;
}

void heap_row_give(struct class *c, struct row *r, const uint64_t *mask)
{
	struct extent *e = r->ext;
	uint32_t was = r->nfree;

	for (unsigned w = 0; w < row_words(e); w++) {
		if (r->free[w] & mask[w])
			panic("units come back to a row that has them");
		r->free[w] |= mask[w];
		r->nfree += (uint32_t)__builtin_popcountl(mask[w]);
	}
	c->free_units += extent_counts(e, r->nfree - was);
	used -= units_bytes(e, r->nfree - was);
	row_relist(c, r);
	if (r->nfree < e->units || was == e->units || --e->busy_rows)
		return;
	extent_idle(c, e);
	while (c->idle && (empty_many(c) || !extent_wanted(c, c->idle)))
		extent_drop(c, c->idle);
}

void heap_idle_drop(bool all)
{
	for (unsigned i = 0; i < HEAP_CLASSES; i++) {
		struct class *c = &heap_class[i];
		struct extent *next;

		lock_take(&c->lock);
		for (struct extent *e = c->idle; e; e = next) {
			next = e->next;
			if (all || e->old)
				extent_drop(c, e);
			else
				e->old = true;
		}
		lock_drop(&c->lock);
	}
}
