/*
 * view.h - fresh addresses that show a row, and what is known of each block there.
 *
 * app context. A view is up to 4 MB of fresh addresses that show one row of an extent (heap.h);
 * each of its object slots is handed out at most once. A unit of a view (a page, or the pages of
 * one larger object) is killed when all its objects are free, and only then does the row get the
 * unit back.
 */
#ifndef UD_ROWS_VIEW_H
#define UD_ROWS_VIEW_H

#include "heap.h"
#include "host/host.h"

/* Members stand by who may write them. Readers need no lock but where it is said. */
struct view {
	/* Once, before anybody can find it (view.c). What every free reads is in the first line. */
	vaddr_t base;
	const struct geom *geom;
	_Atomic uint64_t *live; /* a bit per object: handed to a thread, not freed by its owner */
	struct record *rec;	/* a record per object, or NULL */
	uint16_t place;		/* of the row: geom_band_at */
	uint16_t pages, units;
	uint16_t words; /* of live */
	bool simple;	/* an object per page: the short ways */
	bool zeroed;	/* its memory was never written through another view */
	bool kept;	/* it is in every core (cores.c) */
	bool torn; /* not all that is dead there is as it was filled: a child, an ended thread */
	/* Once, by the thread whose cursor gets it (alloc.c). Both are numbers of owners. */
	uint16_t owner; /* who frees there as its owner */
	uint16_t giver; /* who hands it out */

	/* Any thread, atomically (free.c). */
	_Atomic(_Atomic uint64_t *) gone; /* like live: freed by another; NULL until there is one */
	struct mortal mortal;
	_Atomic uint8_t split; /* of its 2 MB each a bit: a first unit died, it is not huge now */

	/* Whoever has it from cursor.rest (alloc.c, idle.c). */
	_Atomic uint16_t handed; /* words of live that a thread has taken over */
	_Atomic uint16_t at;	 /* 1 + the word that is being handed out */
	uint16_t tail;		 /* words from here on were taken back */

	/* sweep_lock, for readers too. */
	struct row *row;     /* set once; NULL when it is buried */
	struct super *super; /* it is a part of this one, or has a mapping of its own */

	struct view *next, *prev; /* of those that live: views_lock */

	/* A bit per page: the program's own (own.c), or NULL. Made and set under sweep_lock. */
	uint64_t *_Atomic own;

	/* Once, and seldom read: where its memory is. */
	uint32_t chunk; /* or HEAP_PRIVATE */
	uint16_t first;
	_Atomic uint16_t killing; /* units that frees kill at this moment (sweep.c) */

	uint64_t bits[]; /* bitmaps of units, enum view_bitmap; then live */
};

_Static_assert(
	offsetof(struct view, mortal.worth) < 64, "free and malloc read one line of the cache");
_Static_assert(sizeof(struct view) <= 160, "views of few units are many");
_Static_assert(HEAP_MEDIUM_MAX < 1UL << RECORD_SLACK_BITS, "of which all may be slack");

/*
 * A bit per unit each. DESIGN.md draws how a unit goes through them. `fresh` is written once,
 * before anybody can find the view.
 */
enum view_bitmap {
	UNITS_FRESH,	/* they were free when the view was made, and so belong to it */
	UNITS_REVOKED,	/* their addresses fault: sweep_lock, or atomically by a strict free */
	UNITS_RELEASED, /* they went back to the row: sweep_lock */
	UNITS_BITMAPS,
};

static inline unsigned view_uwords(const struct view *v)
{
	return (v->units + 63U) / 64;
}

static inline size_t view_own_bytes(const struct view *v)
{
	return (v->pages + 63U) / 64 * sizeof(uint64_t);
}

static inline uint64_t *view_bitmap(struct view *v, enum view_bitmap which)
{
	return v->bits + which * view_uwords(v);
}

static inline uint64_t *view_fresh(struct view *v)
{
	return view_bitmap(v, UNITS_FRESH);
}

static inline _Atomic uint64_t *view_revoked(struct view *v)
{
	return (_Atomic uint64_t *)view_bitmap(v, UNITS_REVOKED);
}

static inline uint64_t *view_released(struct view *v)
{
	return view_bitmap(v, UNITS_RELEASED);
}

/* The living of 64 objects. */
static inline uint64_t view_live_word(const struct view *v, uint32_t w)
{
	return livebits_word(v->live, &v->gone, w);
}

/* Is it memory of its own, which the kernel copies for a fork's child? */
static inline bool view_is_private(const struct view *v)
{
	return v->chunk == HEAP_PRIVATE;
}

static inline struct view *view_of_mortal(const struct mortal *m)
{
	return m ? (struct view *)((char *)m - offsetof(struct view, mortal)) : NULL;
}

/* Of memory that come back when a unit dies. */
static inline size_t view_unit_bytes(const struct view *v)
{
	return view_is_private(v) ? (size_t)v->geom->unit_pages << PAGE_SHIFT : v->geom->band;
}

/* All of it was handed out, and nothing lives. */
static inline void view_spent(struct view *v)
{
	mortal_spent(&v->mortal, v->pages, v->units * view_unit_bytes(v));
}

static inline vaddr_t view_unit_at(const struct view *v, uint32_t u)
{
	return v->base + ((vaddr_t)u * v->geom->unit_pages << PAGE_SHIFT);
}

static inline uint32_t view_unit_of(const struct view *v, uint32_t idx)
{
	return idx >> v->geom->group_shift;
}

/* The one that page `page` of v is in. */
static inline uint32_t view_unit_with(const struct view *v, uint32_t page)
{
	return quick_div(page, v->geom->inv_unit);
}

/* Does one entry of the page tables show 2 MB of it, or did before a kill there? */
static inline bool view_is_huge(const struct view *v)
{
	return v->pages >= CHUNK_PAGES && !view_is_private(v) && heap_chunk_is_huge(v->chunk);
}

/* Of these 2 MB in v->split. */
static inline uint8_t view_split_bit(uint32_t u)
{
	return (uint8_t)(1U << u / CHUNK_PAGES);
}

/* The bits of the objects that lie in these units of v, for word w of its objects. */
static inline uint64_t view_objects(const struct view *v, const uint64_t *units, uint32_t w)
{
	unsigned shift = v->geom->group_shift;
	uint32_t n = 64U >> shift, first = (w * 64) >> shift;
	uint64_t in = units[first / 64] >> (first % 64), m = 0;
	uint64_t group = shift == 6 ? ~0UL : (1UL << (1U << shift)) - 1;

	if (!shift)
		return in;
	for (uint32_t i = 0; i < n; i++)
		if (in >> i & 1)
			m |= group << (i << shift);
	return m;
}

/* Where object idx of v is. */
static inline vaddr_t view_slot_at(const struct view *v, uint32_t idx)
{
	const struct geom *g = v->geom;
	uint32_t u = view_unit_of(v, idx), j = idx & (geom_group(g) - 1);

	return view_unit_at(v, u) + geom_band_at(g, v->place, u) + j * g->size;
}

/* Where object u of a simple view is. */
static inline vaddr_t view_simple_at(const struct view *v, uint32_t u)
{
	return v->base + ((vaddr_t)u << PAGE_SHIFT) + geom_band_at(v->geom, v->place, u);
}

/* Has the view nothing for anybody behind word w? */
static inline bool word_is_last(struct view *v, uint32_t w)
{
	uint32_t u = (w + 1) * 64 >> v->geom->group_shift;

	return bits_next(view_fresh(v), u, v->units) >= v->units;
}

/* A process has begun, again by a fork: its next views are private memory. A fork holds every lock. */
void views_begin(bool again);

/* A view of at most `most` units. NULL: *err says what is missing. In a section. */
struct view *view_new(unsigned cls, uint32_t most, int *err);
/* The next runs of the units in mask from *u on, `max` at most, *u behind them; how many. */
uint32_t view_runs(
	const struct view *v, const uint64_t *mask, uint32_t *u, struct run *runs, uint32_t max);
/* All views of a list of the spent, which are dead through and through. sweep_lock held. */
void views_retire(struct mortal *list);
extern struct view *views_live; /* under views_lock */
extern struct lock views_lock;
void view_free(struct view *v);
size_t view_weight(const struct view *v); /* of its structure and records */

/* retire.c. sweep_lock held: units that were killed go back to the row. */
void view_release(struct view *v);

#endif
