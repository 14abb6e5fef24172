/*
 * kalias.h - the alias of a block of one page, in line: what nearly every malloc and free takes.
 *
 * app context, in ring 0. Each step counts (test/kvm/count.c): no call, no record beyond the
 * note, one look at each structure. Whatever is not as usual is the callers' to do slowly:
 * nothing has happened then, but perhaps a page of the cursor beyond the grain's end.
 *
 * What breaks it: stacks on (nothing is recorded here); an entry in a table of the
 * windows before the window itself is ready.
 */
#ifndef UD_KVM_KALIAS_H
#define UD_KVM_KALIAS_H

#include "state.h"

#define WINDOW_GPA_MASK ((1UL << WINDOW_PHYS_BITS) - PAGE_SIZE)

/* By window: what turns a canonical page into its entry (0: not known yet), and back. */
extern uint64_t *kalias_entry_of; /* [WINDOW_HVAS] */
extern uint64_t kalias_canon_of[WINDOW_GPAS];

static inline vaddr_t kalias_entry_canon(pte_t pte)
{
	pte &= WINDOW_GPA_MASK;
	return pte + kalias_canon_of[pte >> GIGA_SHIFT];
}

static inline pte_t kalias_tombstone(vaddr_t va)
{
	return pte_tombstone(va >> PAGE_SHIFT);
}

/* Atomic towards this thread's own handlers, which is all it takes: no lock prefix. */
static inline uint64_t kalias_cursor_next(struct kvm_slot *s)
{
	uint64_t c = 1;

	__asm__ volatile("xaddq %0, %1" : "+r"(c), "+m"(s->cursor) : : "memory", "cc");
	return c;
}

/* Gives *va; false: slowly, please. */
static inline bool kalias_make_one(struct kvm_slot *s, vaddr_t canon, size_t size, vaddr_t *va)
{
	size_t off = canon % PAGE_SIZE;
	uint64_t entry = kalias_entry_of[canon >> GIGA_SHIFT], c, i;
	struct grain *g;

	if (unlikely(off + size > PAGE_SIZE || !entry))
		return false;
	c = kalias_cursor_next(s);
	i = c % GRAIN_ALIGN;
	if (unlikely(i >= GRAIN_PAGES))
		return false;
	g = (struct grain *)(c & -(uint64_t)GRAIN_ALIGN);
	__atomic_store_n(&g->note[i], (size << NOTE_SIZE_SHIFT) + NOTE_ONE + off, __ATOMIC_RELEASE);
	__atomic_store_n(&g->leaf[i], canon + entry - off, __ATOMIC_RELEASE);
	*va = g->base + (i << PAGE_SHIFT) + off;
	return true;
}

/* A live block of one page was killed: where, its canonical block, its note. false: slowly. */
static inline bool kalias_kill_one(vaddr_t va, struct grain **in, vaddr_t *canon, uint64_t *note)
{
	uintptr_t e = grain_entry(va);
	struct grain *g = (struct grain *)(e - DIR_SMALL);
	uint64_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES;
	size_t off = va % PAGE_SIZE;
	pte_t *slot, pte;

	if (unlikely(!(e & DIR_SMALL)))
		return false;
	*note = __atomic_load_n(&g->note[i], __ATOMIC_ACQUIRE);
	if (unlikely((uint16_t)*note != (uint16_t)(NOTE_ONE + off)))
		return false;
	slot = &__atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE)[i];
	pte = __atomic_load_n(slot, __ATOMIC_RELAXED);
	if (unlikely(
		    !(pte & PTE_P) || !__atomic_compare_exchange_n(slot, &pte, kalias_tombstone(va),
					      false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
		return false;
	dune_invlpg(vaddr_ptr(va));
	*in = g;
	*canon = kalias_entry_canon(pte) + off;
	return true;
}

#endif
