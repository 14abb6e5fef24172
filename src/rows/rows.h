/*
 * rows.h - the face of rows/: blocks that share pages of memory, each at fresh addresses.
 */
#ifndef UD_ROWS_H
#define UD_ROWS_H

#include "counts.h"
#include "find.h"
#include "fork.h"
#include "free.h"
#include "large.h"
#include "paged.h"
#include "pending.h"
#include "pop.h"
#include "sweep.h"
#include "tcache.h"

/*
 * What the exported family is made of; start() has run. `frame`: the __builtin_frame_address(0) of
 * the exported function, from where the stack is walked. NULL: no memory; errno is set by
 * rows_alloc only.
 */
void *rows_alloc(size_t size, bool zero, void *frame);
void *rows_alloc_aligned(size_t size, size_t align, void *frame);
/* False: no live block starts there, and nothing was done. */
bool rows_free(void *p, void *frame);
/* Likewise; *q: the block, or NULL if there is no memory, and p is as it was. */
bool rows_realloc(void *p, size_t size, void *frame, void **q);
bool rows_usable(void *p, size_t *size);

#endif
