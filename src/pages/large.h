/*
 * large.h - blocks that have pages of their own: private memory at fresh addresses, in every mode.
 *
 * app context. A block is dead when free returns: its memory moves to fresh addresses, where the
 * next one of about its size is handed out without a system call, or goes back to the system.
 */
#ifndef UD_LARGE_H
#define UD_LARGE_H

#include "base/base.h"

struct large {
	vaddr_t base;
	vaddr_t at;  /* the block: at base, but for a sampled one */
	size_t size; /* asked for */
	size_t len;  /* of whole pages, those of size: behind them is a guard */
	size_t room; /* addresses that are its own, >= len, and one mapping */
	_Atomic uint8_t dead;
	bool moved;   /* it died in a realloc */
	bool sampled; /* sample.h: its pages are the second and what follows */
	bool own;     /* the program changed how it is mapped: its memory is not used again */
	int alloc_tid, free_tid;
	uint32_t alloc_stack, free_stack, free_stamp;
	struct large *next; /* of the dead: the next younger */
};

extern struct lock large_lock; /* the dead, what is ready to be used again, the counts */

/*
 * A block that is to be `as`, and lies where place(), in a section, says: base, at, and whether there are zeros; false:
 * there is no memory. NULL, too; errno is untouched.
 */
struct large *large_new(const struct large *as,
	bool (*place)(struct large *l, size_t align, bool *zeroed), size_t align, bool zero,
	void *frame);

/* Can there be such a block at all? Else nothing need die for it. */
bool large_possible(size_t size, size_t align);
/* align: a power of two of at least a page. NULL: no memory; errno is untouched. */
void *large_alloc(size_t size, size_t align, bool zero, void *frame);
/* False: it is dead already. */
bool large_free(struct large *l, bool moved, void *frame);
/*
 * The block with `size` bytes, which are whole pages: where it is, or (always with `moves`) with
 * its pages at fresh addresses. NULL: no memory, l as it was; or the program made several mappings
 * of it, and it must be copied.
 */
void *large_resize(struct large *l, size_t size, bool moves, void *frame);
/* The program changes how pages of the block at `at` are mapped. In a section. */
void large_own(vaddr_t at);
void large_find(const struct large *l, struct block *b);

/* The bytes that the program has of it. */
static inline size_t large_usable(const struct large *l)
{
	return l->sampled ? l->size : l->len;
}

/* What is ready goes back to the system. In a section. */
void large_give_back(void);

struct large_counts {
	uint64_t made, moved, killed; /* moved: of those that were made, into memory of dead ones */
	uint64_t live;
	size_t live_bytes, ready_bytes;
};
void large_count(struct large_counts *c);

#endif
