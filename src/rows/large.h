/*
 * large.h - blocks above HEAP_MEDIUM_MAX: private pages at fresh addresses. See large.c.
 */
#ifndef UD_ROWS_LARGE_H
#define UD_ROWS_LARGE_H

#include "base/base.h"

/* A large block: private pages of its own. */
struct large {
	vaddr_t base;
	size_t len;    /* of whole pages, those of size */
	size_t mapped; /* >= len: a moved block has pages to grow into */
	size_t room;   /* addresses that are its own, >= len */
	size_t size;   /* asked for */
	_Atomic uint8_t dead;
	bool moved;
	int alloc_tid, free_tid;
	uint32_t alloc_stack, free_stack;
	struct large *next;
};

extern struct lock large_lock;

void *large_alloc(size_t size, size_t align, void *frame);
bool large_free(struct large *l, bool moved, void *frame); /* false: it is dead already */
void *large_realloc(struct large *l, size_t size, void *frame);
size_t large_bytes(void);
void large_find(const struct large *l, struct block *b);

#endif
