/*
 * class.c - see class.h. pure but for its own read-only tables.
 *
 * Small: 16-byte steps up to 128, then four per doubling as long as another slot fits in a page.
 */
#include "class.h"

static const uint16_t small_size[] = {16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
	384, 448, 512, 576, 672, 800, 1024, 1360, 2048, 4096};
static const uint16_t run_pages[] = {2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48,
	56, 64, 80, 96, 112, 128, 160, 192, 224, 256};

#define NSMALL ARRAY_LEN(small_size)
_Static_assert(NSMALL + ARRAY_LEN(run_pages) == PAGES_CLASSES, "class.h counts them");

struct page_kind page_kinds[PAGES_CLASSES + 2];
uint8_t pages_class_by_16[PAGES_SMALL_MAX / 16 + 1];
uint8_t pages_class_by_1k[PAGES_MAX / 1024 + 1];

void pages_class_init(void)
{
	for (unsigned c = 0; c < NSMALL; c++)
		page_kinds[c + 1] = (struct page_kind){
			.inv_size = (uint32_t)(((1UL << 32) + small_size[c] - 1) / small_size[c]),
			.size = small_size[c],
			.slots = (uint16_t)(PAGE_SIZE / small_size[c]),
			.pages = 1,
		};
	page_kinds[NSMALL].inv_size = 0; /* one to a page, as in a run */
	for (unsigned i = 0; i < ARRAY_LEN(run_pages); i++)
		page_kinds[NSMALL + i + 1] = (struct page_kind){
			.size = (uint32_t)run_pages[i] << PAGE_SHIFT,
			.slots = 1,
			.pages = run_pages[i],
		};
	for (unsigned i = 0, c = 0; i < sizeof(pages_class_by_16); i++) {
		while (small_size[c] < i * 16)
			c++;
		pages_class_by_16[i] = (uint8_t)c;
	}
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
