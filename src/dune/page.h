/*
 * page.h - the physical page allocator: 4 KB pages from PAGEBASE, identity-mapped.
 *
 * app and vmm context, and before dune_enter; not the monitor. For every page of the pool
 * VA = GPA = HVA, so that ring 0 and the vmm follow the same pointers. Lock-free: a thread may
 * be stopped (by a fault, a signal, an exit) anywhere in here without holding up another, and
 * fork needs no preparation: the memory is MAP_PRIVATE, copy-on-write does the rest. No libc;
 * a system call only where the pool grows (one mprotect per PAGE_POOL_STEP).
 * Breaks if: anything else is mapped over [PAGEBASE, page_pool_end()).
 */
#ifndef UD_DUNE_PAGE_H
#define UD_DUNE_PAGE_H

#include "base/base.h"

#define PAGEBASE       0x200000000UL
#define PAGE_POOL_SIZE (32UL << 30) /* reserved; less where RLIMIT_AS forbids it */
#define PAGE_POOL_STEP (16UL << 20) /* made accessible at a time                 */

/* Reserves the pool. 0 (again and again), or -errno: -EEXIST if something is at PAGEBASE. */
int page_init(void);

/* A zeroed page with one reference; NULL when the pool or the system is out of memory. */
void *page_alloc(void);

/* Gives back a page whose only reference is the caller's; anything else is our bug: panics. */
void page_free(void *page);

/* One reference more. The caller holds one already. */
void page_ref(void *page);

/* One reference less; true if it was the last one and the page is free now. */
bool page_unref(void *page);

/* References held on it: 0 for a free page. */
uint32_t page_refs(const void *page);

/* Does this address lie in the pool (used or not)? False before page_init. */
bool page_owns(vaddr_t va);

/* End of the reservation, and of the part that was ever handed out (both page-aligned). */
vaddr_t page_pool_end(void);
vaddr_t page_pool_top(void);

#endif
