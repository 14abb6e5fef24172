/*
 * mmu.h - the seam: how virtual pages are laid over memory, and how they die.
 *
 * Everything above this header runs identically on both backends and includes nothing from
 * host/, kvm/ or dune/. Canonical memory comes in chunks of 2 MB; the cheap unit of making
 * aliases is the view (up to 2 MB of fresh addresses onto a part of one chunk); the cheap unit
 * of killing is a sorted run of pages or a whole view. Ranges are whole pages; functions return
 * 0 or -errno. app context; safe from several threads at once on different ranges.
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
	/*
	 * From the first malloc or the constructor, before main. Reserves up to `want` bytes of
	 * never-used addresses (0: as many as there are) and says where they are; 2 MB-aligned.
	 */
	int (*enter)(size_t want, struct run *fresh);
	/*
	 * Canonical memory: *id names the first of n zeroed 2 MB chunks in a row, a multiple of n:
	 * a power of two, 1 where views are not dear. give returns the memory of one to the system.
	 */
	int (*chunk_take)(uint32_t n, uint32_t *id);
	void (*chunk_give)(uint32_t id);
	/*
	 * Backs the chunk by one huge page if the machine can: its views become cheap. False: not
	 * now, for somebody is using it; try again.
	 */
	bool (*chunk_huge)(uint32_t id);
	/* Returns the memory of a part of a chunk to the system; it reads as zeros afterwards. */
	void (*chunk_trim)(uint32_t id, unsigned first, unsigned pages);
	/*
	 * Maps `pages` fresh pages at `at` read-write onto the chunk's pages from `first` on. A
	 * view of 512 pages or more is 2 MB-aligned. -ENOSPC when mappings are scarce.
	 */
	int (*view_map)(vaddr_t at, uint32_t id, unsigned first, unsigned pages);
	/*
	 * How many chunks (a power of two; ids from a multiple of it on) one view can show, where
	 * mappings may run out and runs_kill needs none; else 1.
	 */
	uint32_t (*chunks_joined)(void);
	/* Had one view better show several chunks? Not where addresses are rationed. */
	bool (*views_dear)(void);
	/* If mappings are what is missing: gives back some kept for that. True: try again. */
	bool (*spare)(void);
	/* A hint: the pages of this view will be touched soon and their memory exists already. */
	void (*view_warm)(vaddr_t at, unsigned pages);
	/* On return every access to the view faults; gives page tables back where it can. */
	int (*view_kill)(vaddr_t at, unsigned pages);
	/*
	 * A hint before kills inside these ranges: drops what the page tables have for them, with
	 * one message to the other processors for all. What is alive comes back when touched.
	 */
	void (*runs_empty)(const struct run *r, size_t n);
	/*
	 * Kills runs inside one view [at, at + pages), sorted by address. On return every access to
	 * them faults. -errno: some may be alive still (said once); the caller never reuses them.
	 */
	int (*runs_kill)(vaddr_t at, unsigned pages, const struct run *r, size_t n);
	/*
	 * Killed means that here every access faults; other processors may still show the dead
	 * block for a moment, so its memory must wait. kill_stamp names all kills that have
	 * returned; kill_settled: no processor shows those any more; kill_settle brings that about
	 * in time, or at once (now).
	 */
	uint64_t (*kill_stamp)(void);
	bool (*kill_settled)(uint64_t stamp);
	void (*kill_settle)(bool now);
	/* A hint: these live pages will be touched; neighbours within 64 KB may come along. */
	void (*runs_warm)(const struct run *r, size_t n);
	/* Private zeroed pages at a fresh range (large blocks). */
	int (*range_map)(vaddr_t at, size_t len);
	int (*range_kill)(vaddr_t at, size_t len);
	/* Moves the pages of a live range to a fresh one without copying; `from` is dead then. */
	int (*range_move)(vaddr_t from, size_t len, vaddr_t to, size_t newlen);
	/*
	 * pthread_atfork's three, called with every heap lock held and signals blocked. used[0..n)
	 * tells which chunks hold anything. fork_child returns 1 if the engine must map its live
	 * views again and kill their dead pages, 0 if they are as they were.
	 */
	int (*fork_prepare)(const uint8_t *used, uint32_t n);
	void (*fork_parent)(void);
	int (*fork_child)(void);
	/* Lock-free: is this a fork's child in which fork_child has not run, and what it maps
	 * missing? */
	bool (*fork_missing)(void);
	void (*dump)(struct out *o, vaddr_t lo, vaddr_t hi);
	void (*stats)(struct out *o); /* lines of its own for --stats */
};

extern const struct mmu mmu_host; /* host/mmu_host.c */
extern const struct mmu mmu_kvm;  /* kvm/mmu_kvm.c  */

/*
 * The second way in: a heap that brings its own alias per object (heap=system: the bytes lie in
 * the next malloc). NULL: the engine's slabs on `mmu`. Same rules as the functions of alias.h
 * that ask it. Set by mmu_choose and mmu->enter; its blocks never lie in the engine's addresses.
 */
struct block;
struct heap_other {
	const char *name;
	/* The usual cases of the next and of free_as; entered by a jump from malloc and free, so
	 * that their own frame is that of the call. */
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	void *(*alloc)(size_t size, size_t align, bool zero, void *frame);
	void (*free_as)(void *p, const char *call, void *frame);
	void *(*realloc)(void *p, size_t size, void *frame);
	size_t (*usable)(void *p);
	void (*find)(vaddr_t addr, struct block *b);
	void (*stats)(struct out *o);
};

extern const struct heap_other *heap_other __attribute__((visibility("hidden")));
extern const struct heap_other heap_system; /* kvm/sysheap.c */

/* The chosen one; set once by mmu_choose (mmu.c) and never changed. */
extern const struct mmu *mmu;
int mmu_choose(unsigned backend, const char **why); /* BACKEND_* of options.h */
extern const char *mmu_why; /* why auto took this one; NULL: it was asked for */

#endif
