/*
 * space.h - fresh addresses, what lies at each of them, and the modes in which the rows work.
 *
 * app context. The locks are taken with signals blocked, in the order of base/lock.h.
 */
#ifndef UD_ROWS_SPACE_H
#define UD_ROWS_SPACE_H

#include "base/base.h"
#include "host/host.h"

/* How long the dead are remembered, and when they die. Read-only after rows_start. */
struct mode {
	bool strict, grouped;
	bool paged; /* grouped by whole pages: any class may cut any page of a view */
	bool records;
	uint32_t defer_frees;
	size_t defer_bytes;
	uint64_t defer_ns;
	uint32_t step;	   /* frees of one thread between looks at the bounds */
	size_t dead_bytes; /* of views and records kept for reports       */
};

extern struct mode mode;
extern struct vspace space;
extern struct lock vspace_lock;

/*
 * The table: one word per part of fresh addresses: 0, a view, or a large block | 1. What was there
 * and is forgotten has one dead large block in common, that starts nowhere.
 */
extern _Atomic uintptr_t *space_table;

static inline bool space_has(vaddr_t a)
{
	return a - space.base < space.end - space.base;
}

static inline uintptr_t space_entry(vaddr_t a)
{
	if (!space_has(a))
		return 0;
	return atomic_load_explicit(
		&space_table[(a - space.base) >> VSPACE_PART_SHIFT], memory_order_acquire);
}

void space_entry_set(vaddr_t at, size_t len, uintptr_t entry);
void space_entry_forget(vaddr_t at, size_t len); /* once, at the end */
/* Of an entry that is 0: were its addresses used, or are they still to be? */
bool space_was_forgotten(vaddr_t a);
/* Fresh addresses, or 0 (said once). */
vaddr_t space_take(size_t len, size_t align);

/* Once, with options read and the host entered. 0 or -ENOMEM. */
int rows_start(const struct run *fresh);

/* In the child of a fork: at the address that it had. False: the kernel refuses. */
bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages);

#endif
