/*
 * cutter.h - what a thread hands out from in the pages: sheets whose pages it cuts, one for each class.
 *
 * app context; see base/owner.h for who changes it when.
 */
#ifndef UD_PAGES_CUTTER_H
#define UD_PAGES_CUTTER_H

#include "sheet.h"

/* The objects that are left of the page that is cut for a class. */
struct bump {
	vaddr_t next, end;	 /* end: of the page, or where a sample is due (sample.c) */
	uint32_t size, inv_size; /* of its pages; see struct page_kind */
	uint16_t slots;
	bool zeroed; /* nothing was ever stored in the page */
	bool due;    /* at its end, which is not that of the page, a sample is due */
};

/*
 * Pages [at, lim) of sheet `in` are the next to be cut; then more of `rest`, which other threads
 * may take away when this one seems to need it no more.
 */
struct supply {
	struct sheet *in;
	uint32_t at, lim;
	uint16_t sheets; /* made for it so far, about */
	_Atomic(struct sheet *) rest;
};

#define SUPPLIES 6

_Static_assert(OWNER_NONE < 1U << (16 - OWNER_SHIFT), "a page names its owner");

struct cutter {
	struct owner own;
	struct supply supply[SUPPLIES]; /* of single pages: what dies soon, what lasts; then runs */
	uint64_t until; /* the next sample is due: objects of pages to be cut, and one; 0: not
			 * drawn */
	/* The page that each class's cursor is in. Others look here, at what seldom changes. */
	_Atomic vaddr_t in_page[PAGES_CLASSES];
	struct bump bump[PAGES_CLASSES + 1]; /* the last: of no class, for inner pages of runs */
	struct record *rec[PAGES_CLASSES];   /* of the pages that the cursors are in */
};

static inline struct cutter *cutter_mine(void)
{
	return (struct cutter *)owner_mine;
}

static inline struct cutter *cutter_of(unsigned id)
{
	return (struct cutter *)owner_of[id];
}

/* The next object of the page that is cut for the class, or NULL at its end. */
static inline void *bump_take(struct bump *b)
{
	size_t size = b->size;
	vaddr_t p = b->next;

	if (unlikely(p == b->end))
		return NULL;
	b->next = p + size;
	fetch_to_write(p + size);
	fetch_to_write(p + 2 * size - 1);
	return vaddr_ptr(p);
}

/*
 * Was p not handed out yet, of the thread's own cursor? Its bit is set already: all of a page are
 * set when it is cut.
 */
static inline bool bump_ahead(const struct bump *b, vaddr_t p)
{
	return p >= b->next && (p ^ b->next) < PAGE_SIZE;
}

/* Of the block at p in the page that is cut for the class, or that is its only one. */
static inline struct record *bump_record(const struct cutter *c, unsigned cls, vaddr_t p)
{
	return c->rec[cls] + quick_div((uint32_t)(p & (PAGE_SIZE - 1)), c->bump[cls].inv_size);
}

/* Where the page ends that is cut for the class. */
static inline vaddr_t bump_page_end(const struct cutter *c, unsigned cls)
{
	const struct bump *b = &c->bump[cls];

	return c->in_page[cls] + b->slots * (vaddr_t)b->size;
}

#endif
