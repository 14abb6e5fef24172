/*
 * engine.h - which engine has a block: its pages' bits in the table of addresses say so.
 *
 * app context; start() has run. `frame`: see malloc.h. Small blocks are in the pages of pages/
 * (grouped, and so production) or in the rows of rows/ (strict, deferred); larger ones have pages
 * of their own in every mode.
 */
#ifndef UD_ENGINE_H
#define UD_ENGINE_H

#include "pages/pages.h"
#include "rows/rows.h"

/* It has started, and makes aliases: the usual case. Cleared for good by who knows better (last.c).
 */
extern bool engine_plain;

/* Once, by start(), when options are known. */
void engine_start(void);

/* align: a power of two. NULL: no memory, and errno is ENOMEM. */
void *engine_alloc(size_t size, bool zero, void *frame);
void *engine_alloc_aligned(size_t size, size_t align, void *frame);
/* False: no live block starts there, and nothing was done. */
bool engine_free(void *p, bool moved, void *frame);
/* Likewise; *q: the block, or NULL if there is no memory, and p is as it was. */
bool engine_realloc(void *p, size_t size, void *frame, void **q);
/* The bytes of the live block that starts at p; 0: none does. */
size_t engine_usable(void *p);
/* The first address from addr on where a block of any time may begin; 0: none. As block_find. */
vaddr_t engine_next(vaddr_t addr);
/* Notes what is wrong with all that was freed and is not dead: base/late.h. Hold no lock. */
void engine_look_late(void);
/* Kills everything dead; `trim`: and gives back what is kept for later. In a section. */
void engine_kill_dead(bool trim);

struct engine_bytes {
	size_t heap, large, large_live; /* large_live: blocks, of `large` bytes */
};
/* Without a walk, so of a moment that is not quite one. No lock. */
void engine_bytes(struct engine_bytes *b);
/* Of all live blocks in the heap, the large ones not: it looks at them all. alone: see rows_live_bytes. */
size_t engine_live_bytes(bool alone);
/* What the engines count by themselves; no lock. */
void engine_count(struct metrics *m);
void engine_stats(struct out *o);

#endif
