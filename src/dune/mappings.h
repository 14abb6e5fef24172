/*
 * mappings.h - the page tables of a process that is about to enter ring 0, and their upkeep.
 *
 * setup_mappings runs in plain Linux, before dune_enter, and needs no /dev/kvm; the rest runs
 * in the vmm (page faults) or app context. Owns the one set of windows and page tables of the
 * process. Both forms map the page pool at VA = GPA, else ring 0 could not edit its tables:
 *
 *	full	 whole windows by large pages, writable, NX on every leaf; the host's own
 *		 permissions do the rest; NX is taken off where code is fetched and the host
 *		 has it executable. New windows appear at their first fault.
 *	precise	 what /proc/self/maps lists, with its permissions; new rows appear at their
 *		 first fault, and mappings_changed follows the program's mmap family.
 *
 * No INVLPG here: each function says whether the caller must flush.
 */
#ifndef UD_DUNE_MAPPINGS_H
#define UD_DUNE_MAPPINGS_H

#include "pagetable.h"
#include "window.h"

#define VSYSCALL_ADDR 0xffffffffff600000UL

enum mappings_form { MAPPINGS_FULL, MAPPINGS_PRECISE };

struct mappings {
	struct windows windows;
	struct pt pt;
	enum mappings_form form;
	uint32_t changes; /* of the host's mappings, as mappings_changed was told (atomic) */
	uint64_t ready[WINDOW_GPAS / 64]; /* by GPA index: on_window was called (atomic)  */
	/*
	 * Called before a window's first page is mapped: adds its KVM slot. Several threads may
	 * call it for the same window at once, and again later: must be idempotent. NULL: none
	 * is needed (no VM yet). 0 or -errno.
	 */
	int (*on_window)(const struct window *win);
};

extern struct mappings dune_mappings;

/*
 * Fills *m (form, windows, tables) for this process; page_init is done if it was not. on_window
 * may be set before; pt.table_free too (default: the table is never used again). leaf_level: 3
 * where CPUID.80000001 EDX[26], else 2: read by itself. 0 or -errno.
 */
int setup_mappings(struct mappings *m, enum mappings_form form);

/*
 * Calls on_window for every window claimed so far: a VM made after setup, or anew after a fork
 * (then after pt_thaw). 0 or the first error.
 */
int mappings_replay(struct mappings *m);

/*
 * Claims the window over va, has its slot made, and in full form maps it. From vmm context (or
 * before dune_enter); idempotent, any number of threads at once. 0 or -errno.
 */
int mappings_window(struct mappings *m, vaddr_t va);

/*
 * A guest page fault at va (error: the processor's error code). 0: the tables were completed,
 * run on (no flush needed but on this vCPU, which the fault did itself). -EFAULT: not for us:
 * a tombstone, an alias, or nothing there on the host. Other -errno: out of memory or windows.
 */
int mappings_fault(struct mappings *m, vaddr_t va, uint64_t error);

/*
 * The program maps, unmaps or protects [lo, hi) on the host. Takes execute permission (and in
 * precise form the pages) away from what must be looked up anew. Call it before the host's
 * call, so that the flush of that finds the entries changed, and again after it: another thread
 * may have fetched code in between and found the old permission. True if entries were removed:
 * flush [lo, hi) on every vCPU before the program runs on.
 */
bool mappings_changed(struct mappings *m, vaddr_t lo, vaddr_t hi);

/* The closed conversions of the layout, for the process's own windows (see window.h). */
UD_EXPORT paddr_t dune_va_to_pa(const void *va);
UD_EXPORT void *dune_pa_to_va(paddr_t pa);
UD_EXPORT paddr_t dune_mmap_addr_to_pa(const void *va);
UD_EXPORT void *dune_pa_to_mmap_addr(paddr_t pa);
UD_EXPORT paddr_t dune_stack_addr_to_pa(const void *va);
UD_EXPORT void *dune_pa_to_stack_addr(paddr_t pa);

#endif
