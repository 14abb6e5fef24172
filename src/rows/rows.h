/*
 * rows.h - the face of rows/: blocks that share pages of memory, each at fresh addresses.
 */
#ifndef UD_ROWS_H
#define UD_ROWS_H

#include "cores.h"
#include "counts.h"
#include "find.h"
#include "fork.h"
#include "free.h"
#include "own.h"
#include "pop.h"
#include "sweep.h"
#include "cursors.h"

/*
 * What the exported family is made of; start() has run. `frame`: the __builtin_frame_address(0) of
 * the exported function, from where the stack is walked. NULL: no memory; errno is set by
 * rows_alloc only.
 */
/* Once, before the others, in the modes that are not grouped; the host is entered. */
void rows_start(void);

/* size: at most HEAP_MEDIUM_MAX; align: a power of two of at most a page. */
void *rows_alloc(size_t size, bool zero, void *frame);
void *rows_alloc_aligned(size_t size, size_t align, void *frame);
/* v: the view that has p. False: no live block starts there, and nothing was done. */
bool rows_free(struct view *v, void *p, bool moved, void *frame);

/* The bytes of the live block that starts at p; 0: none does. */
size_t rows_usable(struct view *v, void *p);

/* Of all live blocks, as large as their classes are. Exact where nobody else is in malloc or free.
 * In a section; alone: nobody else runs, and no lock is taken. */
size_t rows_live_bytes(bool alone);

/* Notes what is wrong with all that was freed and is not dead; nothing dies. In a section. */
void rows_look_late(void);

/* The block keeps its place and is `size` bytes from now on. */
void rows_resize(struct view *v, void *p, size_t size);

#endif
