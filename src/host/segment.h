/*
 * segment.h - what the files of the host backend share.
 *
 * Canonical memory is anonymous shared memory in segments, each mapped once: its template. A
 * view is a second mapping of a part of a template, made by mremap(old_size = 0): no file
 * descriptor exists that the program could close, and the template's flags (not inherited by
 * fork, not in core dumps) are the view's. chunk id = segment number << host.seg_shift | index.
 */
#ifndef UD_HOST_SEGMENT_H
#define UD_HOST_SEGMENT_H

#include "base/base.h"
#include "host.h"

#define HOST_SEGMENTS	   65536
#define HOST_SEG_CHUNKS	   512 /* at most, per segment: 1 GB */
#define MADV_COLLAPSE_NR   25
#define MADV_GUARD_NR	   102
#define MADV_POPULATE_R_NR 22
#define PIDFD_SELF_NR	   -10000
#define MAP_NOREPLACE	   0x100000

struct host {
	vaddr_t lo, hi;	    /* the fresh addresses                                          */
	bool reserved;	    /* [lo, hi) is mapped PROT_NONE; else free by convention         */
	bool guards;	    /* MADV_GUARD_INSTALL works on views (6.15)                      */
	bool collapse;	    /* MADV_COLLAPSE works (6.1, THP in the kernel)                  */
	bool vectors;	    /* process_madvise on ourselves takes any advice (6.14)          */
	bool populate;	    /* MADV_POPULATE_READ works (5.14)                               */
	unsigned seg_shift; /* log2 of chunks per segment                                   */
	uint32_t nsegs;
	vaddr_t seg[HOST_SEGMENTS]; /* template addresses; in [0, nsegs) all non-zero */
};

extern struct host host;
extern struct lock host_lock; /* chunk ids */

static inline size_t host_seg_bytes(void)
{
	return HUGE_SIZE << host.seg_shift;
}

/* Where chunk id lies in its template. */
static inline vaddr_t host_chunk(uint32_t id)
{
	return host.seg[id >> host.seg_shift] +
	       ((vaddr_t)(id & ((1U << host.seg_shift) - 1)) << HUGE_SHIFT);
}

/* A new segment's template, or -errno. Not for fork children, not for core dumps. */
long host_segment_map(void);
/* Makes [at, at + 2 MB) of a template one huge page; false if it did not work. */
long host_collapse(vaddr_t at); /* 0 or -errno */

/* Mappings kept for the worst (host_spare.c). */
void host_spare_fill(uint32_t most); /* so many more, if the kernel lets */
bool host_spare_use(void);	     /* false: all are in use */
bool host_spare(void);		     /* if mappings are what is missing */
bool host_maps_scarce(void);
void host_spare_fork_child(void);

#endif
