/*
 * cache.h - what a thread keeps for itself: the pages it cuts, and its counts.
 *
 * app context. `busy` is set while the owner's short way changes the cursors; a signal handler that
 * finds it set uses the shared cache, under shared_cache_lock. Caches outlive their threads: the
 * next thread takes one over with all its cursors.
 */
#ifndef UD_CACHE_H
#define UD_CACHE_H

#include "sheet.h"

/* The objects that are left of the page that is cut for a class. */
struct bump {
	vaddr_t next, end;
	uint32_t size, inv_size; /* of its pages; see struct page_kind */
	uint16_t slots;
	bool zeroed; /* nothing was ever stored in the page */
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

#define SUPPLIES 5

/* Of cache.freed: one addition counts both. */
#define CACHE_FREED_SHIFT    32
#define CACHE_FREED_ONE	     (1UL << CACHE_FREED_SHIFT)
#define CACHE_FREED_COUNT(f) ((f) >> CACHE_FREED_SHIFT)
#define CACHE_FREED_BYTES(f) ((f) & (CACHE_FREED_ONE - 1))

#define CACHE_NONE 1023 /* as an owner: no thread, each must think that another one is */
_Static_assert(CACHE_NONE < 1U << (16 - OWNER_SHIFT), "a page names its owner");

struct cache {
	bool busy;
	bool owned;  /* by a thread that lives */
	uint16_t id; /* the owner of what it hands out, if < CACHE_NONE */
	int tid;
	uint64_t freed; /* CACHE_FREED_ONE for each block since it last told pages_freed, and their
			   bytes */
	uint64_t allocs, frees;
	/*
	 * The sheet in which it freed last, and may still be: set before the object's bit is
	 * cleared, for then the sheet may die, and be forgotten. Stores are seen in that order.
	 */
	_Atomic(struct sheet *) in;
	struct cache *next;
	uint64_t refilled; /* cache_refills then */
	struct supply supply[SUPPLIES];
	/* The page that each class's cursor is in. Others look here, at what seldom changes. */
	_Atomic vaddr_t in_page[PAGES_CLASSES];
	struct bump bump[PAGES_CLASSES + 1]; /* the last: of no class, for inner pages of runs */
};

extern __thread struct cache *cache_mine;
extern struct cache cache_shared;
extern struct lock shared_cache_lock, cache_lock;
extern struct cache *cache_of[CACHE_NONE + 1]; /* by owner; that of 0 is cache_shared */
extern struct cache *cache_all;
extern _Atomic uint32_t cache_owned;   /* caches of threads that live */
extern _Atomic uint64_t cache_refills; /* sheets that any of them took */
extern _Atomic uint32_t cache_none_in; /* frees of threads that have no cache, just now */

/* This thread's, made if need be; NULL: no memory, or the thread is ending. In a section. */
struct cache *cache_get(void);
void cache_init(void); /* from the constructor: thread exits are seen from here on */
void cache_fork_child(void);
bool cache_is_in(const struct sheet *s); /* may a thread be in the middle of a free there? */

/* Around what changes the cursors: handlers keep away from them meanwhile. */
static inline void cache_busy(struct cache *c)
{
	c->busy = true;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void cache_idle(struct cache *c)
{
	atomic_signal_fence(memory_order_seq_cst);
	c->busy = false;
}

static inline void cache_enter(struct cache *c, struct sheet *s)
{
	atomic_store_explicit(&c->in, s, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
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
	return p >= b->next && p < b->end;
}

#endif
