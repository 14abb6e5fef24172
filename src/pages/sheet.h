/*
 * sheet.h - 2 MB of private memory at fresh addresses, whose pages are cut one by one.
 *
 * app context. A page belongs to one class from when it is cut until it is dead; within it objects
 * are handed out in order, each once. A page dies when all its objects are free, by a guard; a
 * sheet in which all is dead moves: its memory appears at fresh addresses and is the next sheet.
 */
#ifndef UD_SHEET_H
#define UD_SHEET_H

#include "base/base.h"
#include "class.h"

#define SHEET_PAGES	 512U
#define SHEET_BYTES	 HUGE_SIZE
#define SHEET_WORDS	 (SHEET_PAGES / 64)
#define SHEET_BITS	 64U /* objects of a page whose bits lie in one word */
#define SHEET_PAGE_WORDS 4U  /* at most: 256 objects of 16 bytes */
_Static_assert(SHEET_BITS == 64, "livebits.h");

/* Records of some pages of a sheet, side by side: of those that one supply cuts. */
struct records {
	struct records *next;
	const struct supply *by;
	uint32_t used;
	struct record of[1022];
} __attribute__((aligned(16)));
_Static_assert(sizeof(struct records) == 4 * PAGE_SIZE, "as much as meta_alloc takes for it");

/* Memory for a sheet, and where it is. */
struct sheet_at {
	vaddr_t base;
	bool huge; /* asked to be one huge page, and was not split yet */
	bool pair; /* its neighbour's memory is huge and of the same mapping, unless it has moved alone */
	uint8_t moves; /* so far, or many; 0: it was never used */
};

struct sheet {
	struct sheet_at at;
	/* The first 64 objects of all pages have their bits side by side (sheet_idx). */
	_Atomic uint64_t *live;
	_Atomic(_Atomic uint64_t *) gone;
	size_t words;	     /* of live, and of gone: of runs, one for each page */
	struct record **rec; /* by page: a record per object; NULL where none are kept */
	_Atomic(struct records *) records; /* where those lie */

	/* By page; set by the thread that cuts it. */
	uint16_t cut[SHEET_PAGES]; /* an index of page_kinds | the owner << OWNER_SHIFT */

	/* By page: whose objects are all dead; in which others freed, so that sweeps must look. */
	_Atomic uint64_t dead[SHEET_WORDS], left[SHEET_WORDS];

	_Atomic uint16_t handed; /* pages that a thread has taken over, from the front */

	/* Under sweep_lock. */
	bool own;     /* the program changed how it is mapped: its memory is not used again */
	bool learned; /* what lasts of it (lasting.h) */
	uint64_t killed[SHEET_WORDS];	/* pages whose addresses fault, a subset of dead */
	uint64_t unmapped[SHEET_WORDS]; /* of those: in holes, of which pages_unmap made a few */
	bool retires;			/* dead as a whole, and next */

	struct mortal mortal;
	struct sheet *next, *prev; /* of the living, newest first: sheet_lock */
};

#define OWNER_SHIFT 6
#define KIND_OF(c)  ((c) & ((1U << OWNER_SHIFT) - 1))
_Static_assert(KIND_INNER < 1U << OWNER_SHIFT, "owners begin there");
_Static_assert(RUN_PAGES_MAX < 1U << (16 - OWNER_SHIFT), "an inner page says how far it is in");

static inline struct sheet *sheet_of_mortal(const struct mortal *m)
{
	return m ? (struct sheet *)((char *)m - offsetof(struct sheet, mortal)) : NULL;
}

/* All of it was handed out, and nothing lives. */
static inline void sheet_spent(struct sheet *s)
{
	mortal_spent(&s->mortal, SHEET_PAGES, SHEET_BYTES);
}

/* Object j of page u, and back. */
static inline uint32_t sheet_idx(uint32_t u, uint32_t j)
{
	return (j / SHEET_BITS * SHEET_PAGES + u) * SHEET_BITS + j % SHEET_BITS;
}

static inline uint32_t sheet_page_of(uint32_t idx)
{
	return idx / SHEET_BITS % SHEET_PAGES;
}

static inline uint32_t sheet_nth_of(uint32_t idx)
{
	return idx / SHEET_BITS / SHEET_PAGES * SHEET_BITS + idx % SHEET_BITS;
}

static inline vaddr_t sheet_page_at(const struct sheet *s, uint32_t u)
{
	return s->at.base + ((vaddr_t)u << PAGE_SHIFT);
}

/* The first page of the run that has page u. */
static inline uint32_t sheet_run_first(const struct sheet *s, uint32_t u)
{
	uint32_t cut = s->cut[u];

	return KIND_OF(cut) == KIND_INNER ? u - (cut >> OWNER_SHIFT) : u;
}

static inline const struct page_kind *sheet_kind(const struct sheet *s, uint32_t u)
{
	return &page_kinds[KIND_OF(s->cut[u])];
}

/* Where object idx is. */
static inline vaddr_t sheet_slot_at(const struct sheet *s, uint32_t idx)
{
	uint32_t u = sheet_page_of(idx);

	return sheet_page_at(s, u) + (vaddr_t)sheet_nth_of(idx) * sheet_kind(s, u)->size;
}

static inline struct record *sheet_record(const struct sheet *s, uint32_t idx)
{
	struct record *r = s->rec ? s->rec[sheet_page_of(idx)] : NULL;

	return r ? r + sheet_nth_of(idx) : NULL;
}

/* The living of 64 objects. */
static inline uint64_t sheet_live_word(const struct sheet *s, uint32_t w)
{
	return livebits_word(s->live, &s->gone, w);
}

/*
 * The object that starts d bytes into the sheet: *idx, and what its page is cut for (with the
 * owner); 0 if none starts there.
 */
static inline uint32_t sheet_slot(const struct sheet *s, size_t d, uint32_t *idx)
{
	uint32_t u = sheet_run_first(s, (uint32_t)(d >> PAGE_SHIFT));
	uint32_t cut = s->cut[u], off = (uint32_t)d - (u << PAGE_SHIFT);
	const struct page_kind *k = &page_kinds[KIND_OF(cut)];
	uint32_t j = quick_div(off, k->inv_size);

	*idx = sheet_idx(u, j);
	return off == j * k->size && j < k->slots ? cut : 0;
}

/* Has page u, cut into `slots`, no live object? Two threads may both find so: harmless. */
static inline bool sheet_page_empty(const struct sheet *s, uint32_t u, uint32_t slots)
{
	uint64_t any = 0;

	for (uint32_t k = 0; k * SHEET_BITS < slots; k++)
		any |= sheet_live_word(s, u + k * SHEET_PAGES);
	return !any;
}

/* Were pages of it killed one by one? */
static inline bool sheet_is_holed(const struct sheet *s)
{
	uint64_t killed = 0;

	for (uint32_t w = 0; w < SHEET_WORDS; w++)
		killed |= s->killed[w];
	return killed;
}

/* Page u has died, with the others of its object. True: so may have the whole sheet. */
bool sheet_pages_died(struct sheet *s, uint32_t u);

/* Was all of s handed out, and does nothing of it live? */
bool sheet_is_spent(struct sheet *s);

extern struct lock sheet_lock; /* the counts, and what is ready to be used again */

void sheet_free(struct sheet *s);	    /* nobody knows it any more */
size_t sheet_weight(const struct sheet *s); /* bytes to remember it */

/*
 * A sheet with 512 pages to cut, for runs, or for pages one by one. NULL: no memory, or *err says what else is
 * missing. In a section.
 */
struct sheet *sheet_new(bool runs, bool huge, int *err);

/* sweep_lock held: the other of its pair, which does not retire yet, may do so soon: both move by one call. */
bool sheet_waits(const struct sheet *s);

/*
 * sweep_lock held: s, which retires, is buried: its memory is kept ready at fresh addresses, or goes back to
 * the system; the other of its pair with it, if that retires, too.
 */
void sheet_retire(struct sheet *s);

/* Memory that is kept ready goes back to the system. In a section. */
void sheet_give_back(void);

/*
 * sweep_lock held. A guard keeps its mapping, which a limit on data or addresses counts: long runs of what was
 * killed lose it, while s has fewer holes than `most`.
 */
void sheet_unmap(struct sheet *s, unsigned most);
unsigned sheet_holes(const struct sheet *s);

/* The living, by `next`. Under sweep_lock none goes; newer ones come in front. No lock. */
struct sheet *sheets_living(void);

size_t sheet_bytes(void); /* of all that live, and of what is ready */

struct pages_swept {
	uint64_t pages_killed, runs_killed;
	uint64_t holes; /* pages that were killed in sheets that are there */
};
extern struct pages_swept pages_swept; /* under sweep_lock */

/* The pace is told what lives. */
void sheets_live(void);

struct sheet_counts {
	uint64_t made, moved, retired; /* moved: of those that were made, from dead ones */
	uint32_t live, ready;
};
void sheet_count(struct sheet_counts *c);

#endif
