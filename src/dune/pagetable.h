/*
 * pagetable.h - x86-64 page tables of four levels: walk, map, unmap, protect, split, fold.
 *
 * pure and freestanding: tables come from an injected allocator, a table's physical address
 * becomes a pointer by adding an injected bias; no system call, no INVLPG (the caller flushes).
 *
 * Concurrency. Every entry is read and written by one atomic access, and there is no lock, for
 * the vmm must be able to edit the tables while the same thread's app side is stopped in the
 * middle of an edit. Any number of threads may work at once on different pages, however many
 * tables these share; pt_fill, pt_protect and the walkers even on the same pages.
 * Unlinked tables go to table_free, which must hold them back until every processor and every
 * thread that may still be walking has let go (the per-vCPU epochs of the kvm backend).
 * Breaks if: two threads map or unmap the same page at once; table_free recycles too early.
 *
 * A non-present entry is `never mapped` (0) or a tombstone (non-zero, at any level): it tells
 * that something was there and died, and carries 61 bits of the owner's.
 */
#ifndef UD_DUNE_PAGETABLE_H
#define UD_DUNE_PAGETABLE_H

#include "base/base.h"

#define PTE_P  (1UL << 0) /* present        */
#define PTE_W  (1UL << 1) /* writable       */
#define PTE_U  (1UL << 2) /* ring 3 may     */
#define PTE_A  (1UL << 5) /* accessed       */
#define PTE_D  (1UL << 6) /* dirty          */
#define PTE_PS (1UL << 7) /* a leaf above level 1 (1 GB, 2 MB) */
#define PTE_NX (1UL << 63)

#define PTE_ADDR_MASK 0x000ffffffffff000UL

/* Accessed and dirty are preset: nobody reads them, and it spares the processor's update. */
#define PTE_DATA (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)
#define PTE_READ (PTE_P | PTE_A | PTE_D | PTE_NX)
#define PTE_CODE (PTE_P | PTE_A | PTE_D)

#define PT_LEVELS 4 /* 4 = PML4, 3 = PDPT, 2 = PD, 1 = page table */
#define PT_FANOUT 512

struct pt {
	paddr_t root;	  /* the PML4; set by pt_init                                       */
	uint64_t bias;	  /* pointer to a table = its physical address + bias (0 in Dune)   */
	int leaf_level;	  /* largest leaf: 3 = 1 GB, 2 = 2 MB, 1 = 4 KB                     */
	uint32_t folding; /* folds under way (atomic): see pt_thaw */
	uint64_t tables;  /* tables linked in now, the PML4 included (atomic)               */
	paddr_t (*table_alloc)(void *ctx); /* a zeroed page, or 0                          */
	void (*table_free)(void *ctx, paddr_t table); /* unlinked; see above               */
	void *ctx;
};

/* One entry as the walkers show it. */
struct pt_entry {
	vaddr_t va;  /* first address it stands for (canonical: sign-extended)            */
	pte_t *slot; /* where it lies                                                     */
	pte_t pte;   /* what was in it when it was read                                   */
	int level;   /* 4..1; it stands for pt_size(level) bytes                          */
};

static inline uint64_t pt_size(int level)
{
	return 1UL << (PAGE_SHIFT + 9 * (level - 1));
}

static inline unsigned pt_index(vaddr_t va, int level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_FANOUT - 1);
}

static inline paddr_t pte_addr(pte_t pte)
{
	return pte & PTE_ADDR_MASK;
}

static inline bool pte_is_table(pte_t pte, int level)
{
	return level > 1 && (pte & (PTE_P | PTE_PS)) == PTE_P;
}

static inline bool pte_is_leaf(pte_t pte, int level)
{
	return (pte & PTE_P) && (level == 1 || (pte & PTE_PS));
}

/* Tombstones: bit 1 is always set, so that payload 0 differs from never mapped. */
static inline pte_t pte_tombstone(uint64_t payload)
{
	return payload << 3 | 2;
}

static inline bool pte_is_tombstone(pte_t pte)
{
	return (pte & 7) == 2;
}

static inline uint64_t pte_payload(pte_t pte)
{
	return pte >> 3;
}

/* Takes a PML4 from table_alloc; the other fields are the caller's. 0 or -ENOMEM. */
int pt_init(struct pt *pt);

/*
 * The entry that decides about va: the leaf, or the first one on the way that is not present
 * (never mapped, or tombstone). Returns e->pte. Safe against concurrent edits; monitor too.
 */
pte_t pt_walk(const struct pt *pt, vaddr_t va, struct pt_entry *e);

/* Entry i of the PML4: it stands for [i << 39, (i + 1) << 39), in 48 bits. */
pte_t pt_pml4e(const struct pt *pt, unsigned i);

/* Physical address of va, or false if it is not mapped. */
bool pt_translate(const struct pt *pt, vaddr_t va, paddr_t *pa);

/*
 * Calls fn for every leaf and tombstone in [lo, hi), in order. Entries are shown whole, even if
 * the range cuts them. fn returning non-zero ends the visit; that value is returned.
 */
int pt_visit(const struct pt *pt, vaddr_t lo, vaddr_t hi,
	int (*fn)(const struct pt_entry *e, void *arg), void *arg);

/*
 * The ranges below are whole pages, lo <= hi, in one canonical half. flags are those of the
 * leaf (PTE_DATA, ...). 0, -EINVAL, or -ENOMEM: then part of the range may be done already;
 * what was mapped outside the range is never changed.
 */

/* Maps [lo, hi) to pa.., by the largest leaves that fit; replaces whatever was there. */
int pt_map(struct pt *pt, vaddr_t lo, vaddr_t hi, paddr_t pa, pte_t flags);

/* The same, but only where nothing was ever mapped: leaves and tombstones stay as they are. */
int pt_fill(struct pt *pt, vaddr_t lo, vaddr_t hi, paddr_t pa, pte_t flags);

/*
 * Every page of [lo, hi) becomes `dead`: 0 (never mapped) or a tombstone, at the highest level
 * that lies in the range; tables that become unreachable or empty are unlinked. Cannot fail if
 * lo and hi do not cut a large leaf or, with a tombstone, meet a table that does not exist.
 */
int pt_unmap(struct pt *pt, vaddr_t lo, vaddr_t hi, pte_t dead);

/* In every leaf of [lo, hi): flags |= set, &= ~clear. Leaves that the range cuts are split. */
int pt_protect(struct pt *pt, vaddr_t lo, vaddr_t hi, pte_t set, pte_t clear);

/*
 * If every entry in the lowest table over va is a tombstone, or every one is 0, the table is
 * unlinked and the entry above becomes `dead`, or 0; then the same one level up. Returns the
 * number of tables unlinked.
 */
int pt_fold(struct pt *pt, vaddr_t va, pte_t dead);

/*
 * In the child of a fork, before anything else: another thread of the parent may have been in
 * the middle of a fold. Costs nothing if none was.
 */
void pt_thaw(struct pt *pt);

#endif
