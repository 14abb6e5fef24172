/*
 * heap.h - where the bytes live: size classes, chunks, extents and rows. Knows no alias.
 *
 * A chunk is 2 MB of canonical memory. An extent is what of a chunk belongs to one size
 * class: for objects of up to a page a column, 1, 2 or 4 KB of each of the 512 pages, so that all
 * their views are as large as a huge page and four classes can share one; a class in much use has
 * columns of a span, two chunks in a row, so that one mapping serves twice as many objects.
 * For larger objects, and for classes in little use, it is a power of two of whole pages, 32 to
 * 512, which are pieces of a chunk; or private memory, that of a small program. Its pages are cut in
 * units (one page; for objects larger than a page, as many as one takes). A row is one band of bytes
 * in every unit of an extent; a band holds `group` objects of a small class, or one. From page to
 * page column and row move on, so that L1 sets are spread. A view (view.h) shows one row.
 *
 * class.c (pure) has the geometry, chunk.c the extents, row.c the rows.
 */
#ifndef UD_HEAP_H
#define UD_HEAP_H

#include "base/base.h"
#include "host/host.h"

#define HEAP_MEDIUM_MAX	 (32UL << 10) /* up to here they come from extents      */
#define HEAP_CLASSES	 32	      /* at most                                   */
#define SPAN_CHUNKS	 2	      /* in a row, the first one's id a multiple of it */
#define EXTENT_PAGES_MAX (CHUNK_PAGES * SPAN_CHUNKS)
#define HEAP_CLASS_PAGE	 (SMALL_CLASSES - 1) /* whose slot is one page */
#define COLUMN_SHIFT	 10		     /* log2 of the narrowest column's bytes      */
#define COLUMN_MIN	 (1U << COLUMN_SHIFT)
#define GROUP_MAX	 64 /* objects of one class's band, at most      */

/*
 * How one size class lies in its extents: in columns; those whose group is wide, for when mappings
 * are scarce; or in a few whole pages, which is all that a class in little use gets.
 */
enum geom_kind { GEOM_COLUMN, GEOM_WIDE, GEOM_PIECE, GEOM_KINDS };

/* Read-only after heap_init. */
struct geom {
	uint32_t size;	     /* bytes of a slot                                          */
	uint32_t band;	     /* bytes of a row's share of a unit                         */
	uint32_t rows;	     /* per extent                                               */
	uint16_t unit_pages; /* 1, or more for objects larger than a page                */
	uint16_t slots;	     /* objects per band                                         */
	uint8_t group_shift; /* log2 of objects per band                                 */
	uint8_t cls;
	uint8_t kind;	      /* enum geom_kind; 0 for objects larger than a page        */
	uint16_t width;	      /* bytes of an extent's column; medium: of a page          */
	uint32_t column_mask; /* of an offset in a page: which column of that width      */
	uint64_t inv_rows, inv_size, inv_unit; /* quick_div's reciprocals                */
};

/* A row's place: its extent's column (where that begins in page 0), and its number there. */
static inline uint16_t geom_place(uint32_t column, uint32_t row)
{
	return (uint16_t)(column + row);
}

/*
 * Where the band of a row with this place begins inside unit u (small classes; else 0). Columns
 * change places by exclusive or: so those of any width keep clear of each other, which share a
 * chunk. They do so seldom, because processors foresee steps that are all alike, and by bits of
 * u that choose no row and no L2 set yet.
 */
static inline uint32_t geom_band_at(const struct geom *g, uint32_t place, uint32_t u)
{
	uint32_t x = place % COLUMN_MIN + u;

	x -= quick_div(x, g->inv_rows) * g->rows;
	return x * g->band + ((place ^ u >> 5 << COLUMN_SHIFT) & g->column_mask);
}

static inline uint32_t geom_group(const struct geom *g)
{
	return 1U << g->group_shift;
}

/* Builds all geometries of every class: one object to a band; in the wide ones up to a page of them. */
void heap_geom_init(struct geom g[GEOM_KINDS][HEAP_CLASSES]);
unsigned heap_class_count(void);
extern uint8_t heap_class_by_1k[HEAP_MEDIUM_MAX / 1024 + 1];

/* The class for size (<= HEAP_MEDIUM_MAX). */
static inline unsigned heap_class_of(size_t size)
{
	if (size <= SMALL_MAX)
		return small_class_of(size);
	return heap_class_by_1k[(size + 1023) >> 10];
}
/* The smallest class whose slots are aligned to align (a power of two <= 4096). */
unsigned heap_class_aligned(size_t size, size_t align);
size_t heap_class_size(unsigned cls);

struct extent;

/* Rows of one extent are created when first used. Everything here is under the class's lock. */
struct row {
	struct extent *ext;
	struct row *next, *prev; /* in its class's list of rows with free units */
	uint16_t place;
	uint8_t bucket;	 /* 1 + which list; 0: in none                          */
	uint8_t used;	 /* 1: it had a view before, so its bytes are not zero   */
	uint32_t nfree;	 /* units                                               */
	uint64_t free[]; /* one bit per unit                                    */
};

struct extent {
	const struct geom *geom;
	uint32_t chunk;	       /* of a span the first; or HEAP_PRIVATE                 */
	uint16_t first, pages; /* its place there                                       */
	uint16_t column;       /* likewise: where that begins in page 0               */
	uint16_t units;
	uint16_t fresh_rows; /* rows from here on never had a view                  */
	uint16_t busy_rows;  /* rows with a unit in use or in quarantine            */
	uint16_t there;	     /* of the units below some view showed each: it may have memory */
	bool dirty;	     /* its bytes were not zero when it was made            */
	bool old;	     /* it was empty at the last look, and is since         */
	struct extent *next, *prev; /* of its class, in the list of empty or of busy ones */
	struct row *rows[];
};

#define ROW_BUCKETS 5

/* Per class; `lock` guards everything in it and the lists of its rows. */
struct class
{
	struct lock lock;
	uint8_t idx;
	bool wide;
	bool modest;	    /* memory was short: its extents stay as small as they can be */
	uint16_t pages;	    /* of new extents; smaller ones serve when those have no more */
	uint32_t views;	    /* made so far                                          */
	uint32_t looked;    /* of them, when it was last looked how fast they come  */
	uint64_t looked_at; /* and the time stamp counter then                      */
	uint32_t extents;
	uint32_t empty;			  /* of them, without a busy row: the list `idle` */
	size_t bytes;			  /* of its extents                                       */
	size_t free_units;		  /* in rows                                             */
	uint32_t grown;			  /* extents of `pages`, about                            */
	struct row *row[2 * ROW_BUCKETS]; /* by bucket; then of smaller extents */
	struct extent *idle, *busy;	  /* the empty ones, and the others */
	struct extent *fresh;		  /* the one whose fresh rows are being used             */
} __attribute__((aligned(64)));

extern struct class heap_class[HEAP_CLASSES];
extern struct geom heap_geom[GEOM_KINDS][HEAP_CLASSES];
extern struct lock heap_chunk_lock;

/* spans: may extents be columns of spans? */
void heap_init(bool spans);

/*
 * A row with free units of class c, `most` of which now belong
 * to the caller: mask[] is set to them (words of units), *zeroed tells whether nothing was ever
 * stored there, *there below which units may have memory. NULL: no memory. c->lock held by the caller.
 */
struct row *heap_row_take(
	struct class *c, uint32_t most, uint64_t *mask, bool *zeroed, uint32_t *there);

/*
 * The next views are private memory, until they have so many pages; fewer, if many live. A fork
 * copies nothing of them. 0: none are, for the kernel refuses.
 */
void heap_private_allow(uint32_t pages);

/* Units come back; their aliases are dead. The row may be gone afterwards. c->lock held. */
void heap_row_give(struct class *c, struct row *r, const uint64_t *mask);

/* From now on new extents of small classes are no pieces: their views could not be joined. */
void heap_pieces_end(void);

/* From now on new extents of c use the wide geometry, and old ones get no new views. */
void heap_widen(struct class *c);

/* That so many pages of one extent or view lie in: 1, or a span's. */
static inline uint32_t chunks_of(uint32_t pages)
{
	return (pages + CHUNK_PAGES - 1) / CHUNK_PAGES;
}

/*
 * As an extent's chunk: it has none, nor any memory but what its one view shows, once: that is
 * private memory, a page for each object.
 */
#define HEAP_PRIVATE (~0U)

static inline bool extent_is_private(const struct extent *e)
{
	return e->chunk == HEAP_PRIVATE;
}

static inline bool extent_in_columns(const struct extent *e)
{
	return e->geom->unit_pages == 1 && e->pages >= CHUNK_PAGES;
}

static inline size_t extent_bytes(const struct extent *e)
{
	return (size_t)e->pages * e->geom->width;
}

static inline unsigned row_words(const struct extent *e)
{
	return (e->units + 63U) / 64;
}

/* chunk.c. NULL when there is no memory. pages, huge: for those of larger objects. */
struct extent *heap_extent_new(const struct geom *g, unsigned pages, bool huge);
void heap_extent_free(struct extent *e);
/* NULL, too, where no more of these are allowed. */
struct extent *heap_extent_private(const struct geom *g, unsigned pages, unsigned units);
/* A view of so many of its units is made, `again` of a row that had one; now huge may pay. */
void heap_extent_shown(const struct extent *e, uint32_t units, bool again);
/* Any time, without a lock: was the chunk asked to be one huge page? */
bool heap_chunk_is_huge(uint32_t id);
/* Gives spare chunks back to the system. */
void heap_pool_trim(void);
/*
 * Gives back extents in which nothing is in use: all, or those that were empty at the call before
 * and since. No lock of a class is held.
 */
void heap_idle_drop(bool all);
size_t heap_bytes(void);	   /* of all chunks */
size_t heap_used_bytes(void);	   /* of units that views have: what lives, and what waits to die */
uint32_t heap_chunks(void);	   /* 1 + the highest id ever used */
bool heap_chunk_used(uint32_t id); /* below that: does some extent have it? */

/* trim.c. Gives all memory back that no unit of any row has. No lock of a class is held. */
void heap_trim(void);

#endif
