/*
 * class.c - see class.h. pure but for its own read-only tables.
 */
#include "class.h"

static const uint16_t run_pages[] = {2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48,
	56, 64, 80, 96, 112, 128, 160, 192, 224, 256};

_Static_assert(SMALL_CLASSES + ARRAY_LEN(run_pages) == PAGES_CLASSES, "class.h counts them");

struct page_kind page_kinds[PAGES_CLASSES + 2];
uint8_t pages_class_by_1k[PAGES_MAX / 1024 + 1];

void pages_class_init(void)
{
	small_init();
	for (unsigned c = 0; c < SMALL_CLASSES; c++)
		page_kinds[c + 1] = (struct page_kind){
			.inv_size = (uint32_t)quick_inverse(small_size[c]),
			.size = small_size[c],
			.slots = (uint16_t)(PAGE_SIZE / small_size[c]),
			.pages = 1,
		};
	page_kinds[SMALL_CLASSES].inv_size = 0; /* one to a page, as in a run */
	for (unsigned i = 0; i < ARRAY_LEN(run_pages); i++)
		page_kinds[SMALL_CLASSES + i + 1] = (struct page_kind){
			.size = (uint32_t)run_pages[i] << PAGE_SHIFT,
			.slots = 1,
			.pages = run_pages[i],
		};
	for (unsigned i = 0, c = 0; i < sizeof(pages_class_by_1k); i++) {
		while (page_kinds[c + 1].size < i * 1024)
			c++;
		pages_class_by_1k[i] = (uint8_t)c;
	}
}

unsigned pages_class_aligned(size_t size, size_t align)
{
	unsigned c = pages_class_of(size);

	while (page_kinds[c + 1].size & (align - 1))
		c++;
	return c;
}
