/*
 * tcache.h - what a thread keeps for itself: the views it hands out from, and its counts.
 *
 * app context. `busy` is set while the owner's fast path changes the cursors; a signal handler
 * that finds it set uses the shared cache, under shared_lock. Caches outlive their threads: the
 * next thread takes one over with all its cursors.
 */
#ifndef UD_TCACHE_H
#define UD_TCACHE_H

#include "view.h"

struct cursor {
	vaddr_t next;	/* the object of mask's lowest bit; 0 where mask is */
	uint16_t views; /* made for it so far, about */
	uint32_t word;
	uint64_t mask;	   /* objects of the word that were not handed out yet               */
	struct view *view; /* of the word; without mask it means nothing, and may be gone */
	/* That has more words for the cursor. A sweep may take it away: idle.c. */
	_Atomic(struct view *) rest;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cursor) == 64, "a line of the cache to each");

/* Of tcache.freed: one addition counts both. */
#define FREED_SHIFT    32
#define FREED_ONE      (1UL << FREED_SHIFT)
#define FREED_COUNT(f) ((f) >> FREED_SHIFT)
#define FREED_BYTES(f) ((f) & (FREED_ONE - 1))

struct tcache {
	bool busy;
	bool owned;  /* by a thread that lives */
	uint16_t id; /* the owner of what it hands out, if < TCACHE_NONE */
	int tid;
	uint64_t freed; /* FREED_ONE for each block since it last told sweep_freed, and their bytes
			 */
	uint64_t allocs, frees, larges;
	/*
	 * The view in which it freed last, and may still be: set before the object's bit is
	 * cleared, for then the view may die, and be forgotten. Stores are seen in that order.
	 */
	_Atomic(struct view *) in_view;
	struct tcache *next;
	uint64_t refilled; /* tcache_refills then */
	struct cursor cur[HEAP_CLASSES];
	/* What the look before saw, under sweep_lock: idle.c */
	struct {
		uint64_t allocs;
		struct {
			struct view *view;
			uint32_t word, looks;
		} cur[HEAP_CLASSES];
	} seen;
};

#define TCACHE_NONE 1023 /* as an owner: no thread, each must think that another one is */

/* By owner; that of 0 is tcache_shared. */
extern struct tcache *tcache_of[TCACHE_NONE + 1];

extern __thread struct tcache *tcache_mine;
extern struct tcache tcache_shared; /* under shared_lock */
extern struct lock shared_lock, tcache_lock;
extern struct tcache *tcache_all;
extern _Atomic uint32_t tcache_owned;	/* caches of threads that live */
extern _Atomic uint64_t tcache_refills; /* views that any of them took */

struct tcache *tcache_get(
	void); /* this thread's, made if need be; NULL: no memory, or it is ending. In a section */
void tcache_init(void); /* from the constructor: thread exits are seen from here on */
void tcache_fork_child(void);
/* May a thread be in the middle of a free in this view? */
bool tcache_is_in(const struct view *v);
extern _Atomic uint32_t tcache_none_in; /* frees of threads that have no cache, just now */

/* Around what changes the cursors: handlers keep away from them meanwhile. */
static inline void tcache_busy(struct tcache *tc)
{
	tc->busy = true;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void tcache_idle(struct tcache *tc)
{
	atomic_signal_fence(memory_order_seq_cst);
	tc->busy = false;
}

static inline void tcache_enter(struct tcache *tc, struct view *v)
{
	atomic_store_explicit(&tc->in_view, v, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
}

#endif
