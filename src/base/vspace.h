/*
 * vspace.h - virtual addresses that are handed out once and never again.
 *
 * pure: no system call, no globals, no lock (the caller has one). A vspace is a range of 2 MB
 * windows. Ranges of a window or more are cut from its front; parts of a window (128 KB, 256
 * KB, ... 1 MB) come from a window kept open per part size, so that parts of one window die
 * together and its page table can go. The rule that breaks it: nothing ever goes back.
 */
#ifndef UD_VSPACE_H
#define UD_VSPACE_H

#include "words.h"

#define VSPACE_PART_SHIFT 17 /* 128 KB, 32 pages: the smallest part */
#define VSPACE_PART	  (1UL << VSPACE_PART_SHIFT)
#define VSPACE_LEVELS	  (HUGE_SHIFT - VSPACE_PART_SHIFT)

struct vspace {
	vaddr_t base, end;
	vaddr_t next; /* everything at or above it was never handed out */
	struct {
		vaddr_t at, end;
	} open[VSPACE_LEVELS]; /* windows being cut in parts of VSPACE_PART << level */
};

void vspace_init(struct vspace *v, vaddr_t base, vaddr_t end);

/* len: a power of two from VSPACE_PART up to 2 MB, or whole windows. 0 when there is no more. */
vaddr_t vspace_take(struct vspace *v, size_t len);

/* As above, aligned to `align` (a power of two of 2 MB or more). */
vaddr_t vspace_take_aligned(struct vspace *v, size_t len, size_t align);

#endif
