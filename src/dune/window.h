/*
 * window.h - windows: which 1 GB of host addresses is shown at which 1 GB of guest-physical.
 *
 * pure: two tables, HVA >> 30 -> GPA >> 30 and back, in a struct that the caller owns and has
 * zeroed. The tables are the truth; the classical layout is the policy that fills them:
 *
 *	HVA						GPA
 *	[0, phys_limit - 64 GB)				the same	  (low memory, page pool)
 *	[mmap_base, mmap_base + GPA_MAP_SIZE)		phys_limit - 64 GB ..
 *	[stack_base, stack_base + GPA_STACK_SIZE)	phys_limit - 1 GB ..
 *	anything else (PIE images and their brk heap	spills: the highest free index below
 *	at 0x55.., far mappings)			phys_limit - 64 GB
 *
 * Lookups are one load; claims are atomic and final: several vCPU threads may fault on a new
 * window at once and all get the same answer. A window is never taken back.
 * Breaks if: mmap_base or stack_base change after the first claim.
 */
#ifndef UD_DUNE_WINDOW_H
#define UD_DUNE_WINDOW_H

#include "base/base.h"

#define GPA_MAP_SIZE   (63UL << 30)
#define GPA_STACK_SIZE (1UL << 30)

#define WINDOW_PHYS_BITS  39	     /* the default cap: 512 GB, every CPU can */
#define WINDOW_PHYS_LEAST 37	     /* room for stack, mmap window, and as much below */
#define WINDOW_TASK_SIZE  USER_END   /* with 4 levels of page tables */
#define WINDOW_HVAS	  (1u << 17) /* windows of user space       */
#define WINDOW_GPAS	  (1u << (WINDOW_PHYS_BITS - GIGA_SHIFT))

#define PADDR_NONE (~(paddr_t)0)
#define VADDR_NONE (~(vaddr_t)0)

struct windows {
	paddr_t phys_limit;
	vaddr_t mmap_base;
	vaddr_t stack_base;
	paddr_t keep;		      /* no spill below: where the page pool will grow   */
	uint32_t claimed;	      /* windows in use                                  */
	uint16_t gpa_of[WINDOW_HVAS]; /* 1 + GPA index; 0 = none yet                     */
	uint32_t hva_of[WINDOW_GPAS]; /* 1 + HVA index; 0 = free; ~0 = reserved          */
};

struct window { /* one claimed window */
	vaddr_t hva;
	paddr_t gpa;
	size_t len;	/* 1 GB; 1 GB - 4 KB for the last one of user space */
	unsigned index; /* gpa >> 30: a ready-made KVM slot number          */
};

/*
 * Sets the policy. phys_bits: the processor's physical address bits, capped to
 * WINDOW_PHYS_BITS. mmap_top: end of the highest mapping below the stack; stack: any address
 * in the stack; keep: end of the low memory that only identity may use (the page pool). 0, or
 * -EINVAL if there is no room.
 */
int window_init(
	struct windows *w, unsigned phys_bits, vaddr_t mmap_top, vaddr_t stack, paddr_t keep);

/* Takes a GPA window out of use (KVM's own pages). 0, or -EBUSY if it is claimed already. */
int window_reserve(struct windows *w, paddr_t gpa);

/*
 * The window over hva, claimed now if it was not. 0, -EFAULT (not a user address), or -ENOSPC
 * (all of phys_limit is in use). Idempotent; any thread, any time.
 */
int window_claim(struct windows *w, vaddr_t hva, struct window *out);

/* The window over hva if it is claimed. */
bool window_find(const struct windows *w, vaddr_t hva, struct window *out);

/* The claimed window at GPA index i, for i in [0, WINDOW_GPAS): a new VM's slots after fork. */
bool window_at(const struct windows *w, unsigned i, struct window *out);

/* Does it lie where the classical layout has it, or was it spilled? */
bool window_is_classical(const struct windows *w, const struct window *win);

/*
 * Conversions. Claimed windows answer from the tables; unclaimed ones with what the policy will
 * give them as long as that is free, else PADDR_NONE and VADDR_NONE (so do spills that are not
 * claimed yet).
 */
paddr_t window_va_to_pa(const struct windows *w, vaddr_t va);
vaddr_t window_pa_to_va(const struct windows *w, paddr_t pa);

static inline paddr_t window_mmap_addr_to_pa(const struct windows *w, vaddr_t va)
{
	return va - w->mmap_base + w->phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE;
}

static inline vaddr_t window_pa_to_mmap_addr(const struct windows *w, paddr_t pa)
{
	return pa - w->phys_limit + GPA_STACK_SIZE + GPA_MAP_SIZE + w->mmap_base;
}

static inline paddr_t window_stack_addr_to_pa(const struct windows *w, vaddr_t va)
{
	return va - w->stack_base + w->phys_limit - GPA_STACK_SIZE;
}

static inline vaddr_t window_pa_to_stack_addr(const struct windows *w, paddr_t pa)
{
	return pa - w->phys_limit + GPA_STACK_SIZE + w->stack_base;
}

#endif
