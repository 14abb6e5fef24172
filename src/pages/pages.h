/*
 * pages.h - the face of pages/: private memory whose pages belong to one thread's objects and die
 * as pages; and blocks that have pages of their own. Both move to fresh addresses when they are
 * dead.
 *
 * app context. Locks are taken with signals blocked, in the order of base/lock.h; the short ways of
 * malloc and free take none.
 */
#ifndef UD_PAGES_H
#define UD_PAGES_H

#include "cutter.h"
#include "free.h"
#include "large.h"
#include "sample.h"
#include "sweep.h"

/* Once, before the others, in grouped; large blocks need none. */
void pages_start(void);

/*
 * A block of at most PAGES_MAX bytes. `frame`: the __builtin_frame_address(0) of the exported
 * function, from where the stack is walked. NULL: no memory, and errno is ENOMEM.
 */
void *pages_alloc(size_t size, bool zero, void *frame);
/* Likewise; align: a power of two of at most a page. */
void *pages_alloc_aligned(size_t size, size_t align, void *frame);

/* s: the sheet that has p. False: no live block starts there, and nothing was done. */
bool pages_free(struct sheet *s, void *p, bool moved, void *frame);

/* The bytes of the live block that starts at p; 0: none does. */
size_t pages_usable(struct sheet *s, void *p);

/* Of all live blocks, as large as their classes are; see rows_live_bytes. */
size_t pages_live_bytes(bool alone);

/* The block keeps its place and is `size` bytes from now on. */
void pages_resize(struct sheet *s, void *p, size_t size);

/* What is at addr, which lies in s; see block.h. */
void pages_find(struct sheet *s, vaddr_t addr, struct block *b);

/* The first slot of s from addr on, used or not; 0: none. */
vaddr_t pages_next(const struct sheet *s, vaddr_t addr);

/* Around a fork; signals stay blocked in between. Nothing is copied: the kernel's own way is right.
 */
void pages_fork_prepare(void);
void pages_fork_parent(void);
void pages_fork_child(void);

/* Gives back what is kept for later. In a section. */
void pages_trim(void);

#endif
