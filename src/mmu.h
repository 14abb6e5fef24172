/*
 * mmu.h - the seam: how virtual pages are laid over memory, and how they die.
 *
 * Everything above this header runs identically on both backends and includes nothing from
 * host/, kvm/ or dune/. The cheap unit of making aliases is the view (2 MB of fresh addresses
 * onto one 2 MB chunk of canonical memory); the cheap unit of killing is a sorted run of pages
 * or a whole view. Ranges are whole pages; functions return 0 or -errno; kill cannot fail (it
 * panics). app context; safe from several threads at once on different ranges.
 */
#ifndef UD_MMU_H
#define UD_MMU_H

#include "base.h"
#include "out.h"

struct run { /* pages [lo, hi), page-aligned */
	vaddr_t lo, hi;
};

struct mmu {
	const char *name;
	/* Usable here? 0, or -errno and *why = one line that says what is wrong and what to do. */
	int (*probe)(const char **why);
	/* From the constructor, before main. */
	int (*enter)(void);
	/* Canonical memory: *id names a zeroed 2 MB chunk. give returns its memory to the system.
	 */
	int (*chunk_take)(uint32_t *id);
	void (*chunk_give)(uint32_t id);
	/* Maps [at, at + 2 MB) read-write onto chunk id. The range is ours, reserved, never used.
	 */
	int (*view_map)(vaddr_t at, uint32_t id);
	/* On return every access to [at, at + 2 MB) faults; gives page tables back. */
	void (*view_kill)(vaddr_t at);
	/* Kills runs inside views, sorted by address. On return every access to them faults. */
	void (*runs_kill)(const struct run *r, size_t n);
	/* Private zeroed pages at a fresh range (large blocks); killed by runs_kill or range_kill.
	 */
	int (*range_map)(vaddr_t at, size_t len);
	void (*range_kill)(vaddr_t at, size_t len);
	/* Moves the pages of a live range to a fresh one without copying (realloc). */
	int (*range_move)(vaddr_t from, size_t len, vaddr_t to, size_t newlen);
	/* pthread_atfork's three, called with every heap lock held. */
	int (*fork_prepare)(void);
	void (*fork_parent)(void);
	void (*fork_child)(void);
	void (*dump)(struct out *o, vaddr_t lo, vaddr_t hi);
};

extern const struct mmu mmu_host; /* host/mmu_host.c */
extern const struct mmu mmu_kvm;  /* kvm/mmu_kvm.c  */

/* The chosen one; set once by mmu_choose (mmu.c) and never changed. */
extern const struct mmu *mmu;
int mmu_choose(const char *backend, const char **why); /* "auto", "host", "kvm" */

#endif
