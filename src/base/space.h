/*
 * space.h - fresh addresses for everybody, and one table that says what lies at each of them.
 *
 * app context. The addresses lie where the kernel picks none by itself: nothing is reserved but
 * what is used soon, so that limits, mlockall and cores see what they would see without us. What is
 * dead is not mapped. The table leads from an address to its owner's structure with one load. What
 * breaks it: an address that is handed out twice.
 */
#ifndef UD_SPACE_H
#define UD_SPACE_H

#include "lock.h"
#include "vspace.h"
#include "words.h"

#include <stdatomic.h>

extern struct vspace space; /* under space_lock, but for base and end */
extern struct lock space_lock;

/* One word per VSPACE_LEAST of addresses: 0, or a structure's address and what it is in its low
 * bits. */
extern _Atomic uintptr_t *space_table;
extern _Atomic size_t space_seen; /* bytes of addresses that have entries by now */

#define SPACE_VIEW	0UL /* rows/  */
#define SPACE_LARGE	1UL /* a block that has pages of its own */
#define SPACE_SHEET	2UL /* pages/ */
#define SPACE_WHAT	3UL
/* What was there is dead, and nothing is known of it any more. */
#define SPACE_FORGOTTEN SPACE_LARGE

/* Once. want: bytes of addresses at most, 0: as many as there are. 0 or -ENOMEM. */
int space_start(size_t want);

/* Is it one of ours, used or not? */
static inline bool space_has(vaddr_t a)
{
	return a - space.base < space.end - space.base;
}

static inline uintptr_t space_entry(vaddr_t a)
{
	size_t at = a - space.base;

	if (unlikely(at >= atomic_load_explicit(&space_seen, memory_order_acquire)))
		return 0;
	return atomic_load_explicit(&space_table[at >> VSPACE_LEAST_SHIFT], memory_order_acquire);
}

/*
 * Fresh addresses, or 0 (at the end of all that is said once). They are mapped PROT_NONE until
 * their taker maps something over them. len: see vspace_take; align: a power of two, at least a
 * page. In a section.
 */
vaddr_t space_take(size_t len, size_t align);
/*
 * Nothing could be mapped at what space_take gave, and nobody was told of it: if nothing was taken since, the
 * next may have it. A program that asks a thousand times for more than the kernel gives would use all up.
 */
void space_untake(vaddr_t at, size_t len);
/* Most of them are left: more may be taken than are needed, where that is cheaper. No lock. */
bool space_ample(void);

/* What [at, at + len) of space_take belongs to from now on (SPACE_WHAT); seen by all threads when it returns. */
void space_entry_set(vaddr_t at, size_t len, uintptr_t entry);
void space_entry_forget(vaddr_t at, size_t len); /* once, at the end */

/* Of an address of ours whose entry is 0: was it used, or is it still to be? */
bool space_was_forgotten(vaddr_t a);

#endif
