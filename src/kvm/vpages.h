/*
 * vpages.h - the virtual page allocator: fresh addresses, handed out once, never again.
 *
 * pure: the PML4 and the reservation are injected; no lock (the caller has one), no globals.
 * It is fed with what no mapping of the process uses: the PML4 entries that are empty when one
 * is needed, 512 GB each. An entry is taken only after `reserve` has secured it against the
 * host's mmap, for a host mapping there would be hidden by our aliases. Its unit is the grain:
 * 2 MB, one lowest-level page table, owned by one thread.
 */
#ifndef UD_KVM_VPAGES_H
#define UD_KVM_VPAGES_H

#include "base/base.h"

#define VPAGES_SLOT_SHIFT 39 /* one PML4 entry */
#define VPAGES_SLOT	  (1UL << VPAGES_SLOT_SHIFT)
#define VPAGES_SLOTS	  256 /* the half that programs know */

struct vpages {
	vaddr_t next, end;    /* what is left of the entries taken so far          */
	unsigned slot;	      /* the next entry to look at                          */
	uint64_t taken[4];    /* bit i: entry i is ours                             */
	uint64_t used;	      /* bytes handed out                                   */
	uint64_t limit;	      /* at most so many bytes; 0 = no limit                */
	const uint64_t *pml4; /* the process's; entries that are not 0 are passed by */
	/* Secures [lo, lo + VPAGES_SLOT); 0, or -errno: the entry is passed by. */
	int (*reserve)(void *ctx, vaddr_t lo);
	void *ctx;
};

/* Starts looking at entry `first` (not 0: low memory is there). */
void vpages_init(struct vpages *v, unsigned first, const uint64_t *pml4,
	int (*reserve)(void *ctx, vaddr_t lo), void *ctx, uint64_t limit);

/* len bytes, whole grains, aligned to align (a power of two >= 2 MB). 0: no more addresses. */
vaddr_t vpages_take(struct vpages *v, size_t len, size_t align);

/* Does this address belong to an entry that is ours? */
static inline bool vpages_owns(const struct vpages *v, vaddr_t va)
{
	uint64_t i = va >> VPAGES_SLOT_SHIFT;

	return i < VPAGES_SLOTS && (v->taken[i / 64] >> (i % 64) & 1);
}

#endif
