/*
 * class.h - the sizes that pages are cut for.
 *
 * pure but for its own read-only tables. Up to a page: as many slots as fit in one page. Above: one
 * slot in a run of pages.
 */
#ifndef UD_PAGES_CLASS_H
#define UD_PAGES_CLASS_H

#include "base/base.h"

#define PAGES_MAX     (1UL << 20) /* beyond that a block has a mapping of its own (large.h) */
#define PAGES_CLASSES 50
#define RUN_PAGES_MAX 256U

/* By 1 + class. */
struct page_kind {
	uint32_t inv_size; /* of a run: 0 */
	uint32_t size;
	uint16_t slots, pages;
} __attribute__((aligned(16)));

#define KIND_NONE  0U			/* of a page that is not cut yet: no object starts there */
#define KIND_INNER (PAGES_CLASSES + 1U) /* of one that is not the first page of its run */
extern struct page_kind page_kinds[PAGES_CLASSES + 2];

extern uint8_t pages_class_by_1k[PAGES_MAX / 1024 + 1];

void pages_class_init(void);

/* The class for size (<= PAGES_MAX). */
static inline unsigned pages_class_of(size_t size)
{
	if (size <= SMALL_MAX)
		return small_class_of(size);
	return pages_class_by_1k[(size + 1023) >> 10];
}

/* The smallest class whose slots are aligned to align (a power of two <= 4096). */
unsigned pages_class_aligned(size_t size, size_t align);

#endif
