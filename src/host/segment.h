/*
 * segment.h - what the files of the host backend share.
 *
 * Canonical memory is anonymous shared memory in segments, each mapped once: its template. A
 * view is a second mapping of a part of a template, made by mremap(old_size = 0): no file
 * descriptor exists that the program could close, and the template's flags (not inherited by
 * fork, not in core dumps) are the view's. chunk id = segment number * HOST_SEG_CHUNKS + index.
 * The first HOST_JOINED segments have templates of their own; behind them a template shows as many.
 */
#ifndef UD_HOST_SEGMENT_H
#define UD_HOST_SEGMENT_H

#include "base/base.h"
#include "host.h"

#define HOST_SEG_CHUNKS	   8U /* 16 MB: a small program has not more than that mapped */
#define HOST_SEG_BYTES	   ((size_t)HOST_SEG_CHUNKS << HUGE_SHIFT)
#define HOST_SEGMENTS	   131072U /* 2 TB */
#define HOST_JOINED	   64U	   /* segments that a large heap maps at once, side by side */
#define HOST_TEMPLATES	   (HOST_JOINED + HOST_SEGMENTS / HOST_JOINED - 1)
#define MADV_COLLAPSE_NR   25
#define MADV_GUARD_NR	   102
#define MADV_REVIVE_NR	   103
#define MADV_POPULATE_R_NR 22
#define PIDFD_SELF_NR	   -10000
#define MAP_NOREPLACE	   0x100000

struct host {
	bool guards;   /* MADV_GUARD_INSTALL works on views (6.15)                      */
	bool collapse; /* MADV_COLLAPSE works (6.1, THP in the kernel)                  */
	bool vectors;  /* process_madvise on ourselves takes any advice (6.14)          */
	bool populate; /* MADV_POPULATE_READ works (5.14)                               */
	bool filtered; /* a seccomp filter was there before us                          */
	uint32_t nsegs;
	vaddr_t template[HOST_TEMPLATES]; /* of segments in [0, nsegs): where they lie */
};

extern struct host host;
extern struct lock host_lock; /* chunk ids */

/* So many segments, from a multiple of it on, are one template. */
static inline uint32_t host_unit(uint32_t seg)
{
	return seg < HOST_JOINED ? 1 : HOST_JOINED;
}

/* Which one. */
static inline uint32_t host_template(uint32_t seg)
{
	return seg < HOST_JOINED ? seg : HOST_JOINED - 1 + seg / HOST_JOINED;
}

/* Where chunk id lies in its template. */
static inline vaddr_t host_chunk(uint32_t id)
{
	uint32_t seg = id / HOST_SEG_CHUNKS;

	return host.template[host_template(seg)] +
	       ((vaddr_t)(id % (host_unit(seg) * HOST_SEG_CHUNKS)) << HUGE_SHIFT);
}

/* The template of n new segments side by side, or -errno. Not for fork children, not for core
 * dumps. */
long host_segments_map(uint32_t n);
long host_segments_put(vaddr_t at, uint32_t n); /* the same, in place of what is there */
/* Makes [at, at + 2 MB) of a template one huge page; false if it did not work. */
long host_collapse(vaddr_t at); /* 0 or -errno */

/* Copies pages of shared memory, as far as there are any, to memory that is all zero. */
void host_copy(vaddr_t to, vaddr_t from, unsigned pages);

/* Mappings kept for the worst (spare.c). */
void host_spare_fill(uint32_t most); /* so many more, if the kernel lets */
bool host_spare_use(void);	     /* false: all are in use */
bool host_spare(void);		     /* if mappings are what is missing */
bool host_maps_scarce(void);

#endif
