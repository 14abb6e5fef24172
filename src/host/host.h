/*
 * host.h - the face of host/: what Linux can do to pages. Shown twice, guarded, moved, given back.
 *
 * Canonical memory comes in chunks of 2 MB; the cheap unit of making aliases is the view (fresh
 * addresses onto a part of one chunk); the cheap unit of killing is a sorted run of pages or a
 * whole view. Ranges are whole pages; functions return 0 or -errno. app context; safe from several
 * threads at once on different ranges. Unit tests put a model in its place when they are linked.
 */
#ifndef UD_HOST_H
#define UD_HOST_H

#include "base/base.h"

#define CHUNK_PAGES 512	       /* of a chunk: HUGE_SIZE */
#define HOST_CHUNKS (1U << 20) /* ids are below it: 2 TB */

struct run { /* pages [lo, hi), page-aligned */
	vaddr_t lo, hi;
};

/*
 * Usable here? 0, or -errno and *why = one line that says what is wrong and what to do. views: or only
 * ranges; each process that a shell starts pays for what is tried.
 */
int host_probe(bool views, const char **why);

/* Was a seccomp filter there before us? Looks once: before the program adds its own. */
bool host_filtered(void);

/*
 * Canonical memory: *id names the first of n zeroed 2 MB chunks in a row, a multiple of n: a power
 * of two. give returns the memory of one to the system.
 */
int host_chunk_take(uint32_t n, uint32_t *id);
void host_chunk_give(uint32_t id);

/*
 * Backs the chunk by one huge page if the machine can: its views become cheap. False: not now, for
 * somebody is using it; try again.
 */
bool host_chunk_huge(uint32_t id);

/* Returns the memory of a part of a chunk to the system; it reads as zeros afterwards. */
void host_chunk_trim(uint32_t id, unsigned first, unsigned pages);

/*
 * Maps `pages` fresh pages at `at` read-write onto the chunk's pages from `first` on. A view of 512
 * pages or more is 2 MB-aligned. -ENOSPC when mappings are scarce.
 */
int host_view_map(vaddr_t at, uint32_t id, unsigned first, unsigned pages);

/* Does host_runs_kill need no mappings? Then one view may show several chunks. */
bool host_joins(void);

/* How many chunks (a power of two; ids from a multiple of it on) can be in a view of this one. */
uint32_t host_chunks_joined(uint32_t id);

/* Once: keeps some for host_spare_last. */
void host_spare_start(void);
/* If mappings are what is missing: gives back some kept for that. True: try again. */
bool host_spare(void);
/* The very last, where nothing else goes on. False: none are left. */
bool host_spare_last(void);
/* Are they? Asked of the kernel. */
bool host_maps_scarce(void);

/*
 * These pages of a view become private memory with the same bytes. `others`: other threads may
 * store there; so meanwhile a store faults.
 */
int host_view_own(vaddr_t at, unsigned pages, bool others);

/* Are these pages of a view in core dumps? At first they are not. */
void host_core(vaddr_t at, size_t len, bool in);

/* A hint: the pages of this view will be touched soon and their memory exists already. */
void host_view_warm(vaddr_t at, unsigned pages);

/*
 * Ticks that the first touches of so many pages take whose memory exists already, tried with a page
 * of our own: far longer where a hypervisor has page tables of its own.
 */
uint64_t host_touches(unsigned pages);

/* On return every access to the view faults; gives page tables back where it can. */
int host_view_kill(vaddr_t at, unsigned pages);

/*
 * A hint before kills inside these ranges: drops what the page tables have for them, with one
 * message to the other processors for all. What is alive comes back when touched.
 */
void host_runs_empty(const struct run *r, size_t n);

/*
 * Kills runs inside one view [at, at + pages), sorted by address. On return every access to them
 * faults. -errno: some may be alive still (said once); the caller never reuses them.
 */
int host_runs_kill(vaddr_t at, unsigned pages, const struct run *r, size_t n);

/* A hint: these live pages will be touched; neighbours within 64 KB may come along. */
void host_runs_warm(const struct run *r, size_t n);

/* Private zeroed pages at a fresh range; neighbours become one mapping. */
int host_range_map(vaddr_t at, size_t len);

/* A hint: all of it will be used, where the machine can by huge pages; or but little, and by none. */
void host_range_huge(vaddr_t at, size_t len, bool huge);

/* A hint: all of it will be written to soon. One call for 64 KB takes less than its sixteen faults. */
void host_range_warm(vaddr_t at, size_t len);

/*
 * A huge page of which a part is killed keeps all of its memory until it is split, which takes one
 * page that is about to die.
 */
void host_range_split(vaddr_t page);

/* On return every access to it faults, and its memory is the system's. -errno: as host_runs_kill.
 */
int host_range_kill(vaddr_t at, size_t len);

/*
 * Moves the pages of a live range to a fresh one without copying; on return every access to `from`
 * faults. Behind len pages are new and zeroed. -EFAULT: the program has made several mappings of
 * it. Where it failed, nothing is mapped at `to`.
 */
int host_range_move(vaddr_t from, size_t len, vaddr_t to, size_t newlen);

/* Kills pages of a private range by guards, which no mapping of its own is needed for; false: there
 * are none here. Pages revive, zeroed. */
bool host_range_guard(vaddr_t at, size_t len);
void host_range_revive(vaddr_t at, size_t len);

/*
 * Around a fork, with every heap lock held and signals blocked. used tells which chunks below n hold
 * anything. After host_fork_child nothing is mapped at any fresh address: views and what is dead in
 * them must be made again.
 */
int host_fork_prepare(bool (*used)(uint32_t id), uint32_t n);
void host_fork_parent(void);
void host_fork_child(void);

/*
 * Around that copy: other threads' stores into [lo, lo + len) wait until host_thaw, where the kernel
 * can do that (userfaultfd(2), Linux 5.19, root). The calling thread stores nothing there. Under every
 * engine lock.
 */
void host_freeze(vaddr_t lo, size_t len);
void host_thaw(void);

/* Lock-free: is this a fork's child in which host_fork_child has not run, and what it maps missing?
 */
bool host_fork_missing(void);

/* In the child of a fork that copied nothing. */
void host_spare_fork_child(void);

/* Mappings of the process, counted by /proc: tens of microseconds for a thousand. */
uint32_t host_maps_count(void);

void host_dump(struct out *o);

#endif
