/*
 * tcache.h - what a thread keeps for itself: the views it hands out from, and its counts.
 *
 * app context. `busy` is set while the owner's fast path changes the cursors; a signal handler
 * that finds it set uses the shared cache, under shared_lock. Caches outlive their threads: the
 * next thread takes one over with all its cursors.
 */
#ifndef UD_TCACHE_H
#define UD_TCACHE_H

#include "alias.h"

struct cursor {
	/* Paged: what was not handed out yet of the page that is cut for the class. */
	vaddr_t next, end;
	uint32_t size; /* of a slot */
	bool zeroed;   /* nothing was ever stored in the page */
	/* Else: */
	bool last;	/* word is the view's last: after mask, view means nothing any more */
	uint32_t views; /* made for it so far */
	uint32_t word;
	uint64_t mask; /* objects of the word that were not handed out yet */
	struct view *view;
} __attribute__((aligned(64)));

/*
 * Paged: pages [at, lim) of view `in` are the next to be cut; then more of `pages`, which other
 * threads may take away when this one seems to need it no more.
 */
struct pool {
	struct view *in;
	uint32_t at, lim;
	uint32_t views; /* made for it so far */
	_Atomic(struct view *) pages;
};

struct tcache {
	bool busy;
	bool owned;  /* by a thread that lives */
	uint16_t id; /* the owner of what it hands out, if < TCACHE_NONE */
	int tid;
	uint32_t freed; /* since it last reported to alias_freed */
	size_t freed_bytes;
	uint64_t allocs, frees, larges;
	struct tcache *next;
	uint64_t refilled;   /* tcache_refills then */
	struct pool pool[2]; /* of pages, and of runs of them */
	/* Paged: the page that each class's cursor is in. Others look here, at what seldom changes.
	 */
	_Atomic vaddr_t in_page[HEAP_CLASS_RUN + 1];
	struct cursor cur[HEAP_CLASSES];
};

#define TCACHE_NONE 1023 /* as an owner: no thread, each must think that another one is */

/* By owner; that of 0 is tcache_shared. */
extern struct tcache *tcache_of[TCACHE_NONE + 1];

extern __thread struct tcache *tcache_mine;
extern struct tcache tcache_shared; /* under shared_lock */
extern struct tcache *tcache_all;
extern _Atomic uint32_t tcache_owned;	/* caches of threads that live */
extern _Atomic uint64_t tcache_refills; /* views that any of them took */

struct tcache *tcache_get(void); /* this thread's, made if need be; NULL: no memory. In a section */
void tcache_init(void);		 /* from the constructor: thread exits are seen from here on */
void tcache_fork_child(void);

#endif
