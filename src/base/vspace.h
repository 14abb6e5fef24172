/*
 * vspace.h - virtual addresses that are handed out once and never again.
 *
 * pure: no system call, no globals, no lock (the caller has one). Whole tables (2 MB, what one page
 * table maps) are cut from the front; shorter ranges (128 KB, 256 KB, ... 1 MB) from a table kept open
 * for each length, so that neighbours die together and their page table can go. The rule that breaks
 * it: nothing that anybody was told of ever goes back.
 */
#ifndef UD_VSPACE_H
#define UD_VSPACE_H

#include "words.h"

#define VSPACE_LEAST_SHIFT 17 /* 128 KB, 32 pages */
#define VSPACE_LEAST	   (1UL << VSPACE_LEAST_SHIFT)
#define VSPACE_LEVELS	   (HUGE_SHIFT - VSPACE_LEAST_SHIFT)

struct vspace {
	vaddr_t base, end;
	vaddr_t next; /* everything at or above it was never handed out */
	struct {
		vaddr_t at, end;
	} open[VSPACE_LEVELS], /* tables being cut by VSPACE_LEAST << level */
		gap;	       /* in front of what was aligned: for what fits there */
};

/* To hand out what of [base, end) is whole 2 MB. */
void vspace_init(struct vspace *v, vaddr_t base, vaddr_t end);

/* len: a power of two from VSPACE_LEAST up to 2 MB, or whole tables. 0 when there is no more. */
vaddr_t vspace_take(struct vspace *v, size_t len);

/* Whole tables, aligned to `align` (a power of two of 2 MB or more). */
vaddr_t vspace_take_aligned(struct vspace *v, size_t len, size_t align);

#endif
