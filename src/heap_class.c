/*
 * heap_class.c - the geometry of the size classes. pure but for its own read-only tables.
 *
 * Small: 16-byte steps up to 128, then four per doubling as long as another slot fits in a
 * page; the column is the narrowest that wastes little. Medium: whole pages, four per doubling.
 */
#include "heap.h"

static const uint16_t small_size[] = {16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
	384, 448, 512, 576, 672, 800, 1024, 1360, 2048, 4096};
static const uint16_t medium_pages[] = {2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48,
	56, 64, 80, 96, 112, 128, 160, 192, 224, 256};

#define NSMALL	ARRAY_LEN(small_size)
#define NMEDIUM ARRAY_LEN(medium_pages)
_Static_assert(NSMALL + NMEDIUM <= HEAP_CLASSES, "raise HEAP_CLASSES");
_Static_assert(NSMALL == HEAP_CLASS_PAGE + 1, "the last small class is the page");
_Static_assert(NSMALL + 10 == HEAP_CLASS_RUN, "medium_pages[10] is 2^ROW_RUN_SHIFT");

uint8_t heap_class_by_16[HEAP_SMALL_MAX / 16 + 1];
uint8_t heap_class_by_page[HEAP_MEDIUM_MAX / PAGE_SIZE + 1];

unsigned heap_class_count(void)
{
	return NSMALL + NMEDIUM;
}

size_t heap_class_size(unsigned cls)
{
	return cls < NSMALL ? small_size[cls] : (size_t)medium_pages[cls - NSMALL] << PAGE_SHIFT;
}

unsigned heap_class_aligned(size_t size, size_t align)
{
	unsigned c = heap_class_of(size);

	while (heap_class_size(c) & (align - 1))
		c++;
	return c;
}

static uint64_t inverse(uint32_t d)
{
	return ((1UL << 32) + d - 1) / d;
}

/*
 * The narrowest that loses at most a sixteenth behind its last band; with fewer rows, neighbours
 * in a view would have their bands in the same L1 sets.
 */
static uint16_t column_width(uint32_t band)
{
	uint32_t width = COLUMN_MIN;

	while (width < PAGE_SIZE && (width < 4 * band || (width % band) * 16 > width))
		width *= 2;
	return (uint16_t)width;
}

static void geom_small(struct geom *g, unsigned cls, size_t group)
{
	g->size = small_size[cls];
	g->unit_pages = 1;
	while ((2UL << g->group_shift) * g->size <= group && (2UL << g->group_shift) <= GROUP_MAX)
		g->group_shift++;
	g->band = g->size << g->group_shift;
	g->slots = (uint16_t)(1U << g->group_shift);
	g->width = column_width(g->band);
	g->rows = (uint16_t)(g->width / g->band);
}

void heap_geom_init(struct geom geom[2][HEAP_CLASSES], size_t group)
{
	for (unsigned wide = 0; wide < 2; wide++)
		for (unsigned c = 0; c < heap_class_count(); c++) {
			struct geom *g = &geom[wide][c];

			*g = (struct geom){.cls = (uint8_t)c, .wide = (uint8_t)wide};
			if (c < NSMALL) {
				geom_small(g, c, wide ? MAX(group, PAGE_SIZE) : group);
			} else {
				g->unit_pages = medium_pages[c - NSMALL];
				g->size = (uint32_t)g->unit_pages << PAGE_SHIFT;
				g->band = g->size;
				g->width = PAGE_SIZE;
				g->rows = 1;
				g->slots = 1;
			}
			g->column_mask = (uint16_t)(PAGE_SIZE - g->width);
			g->inv_rows = inverse(g->rows);
			g->inv_size = inverse(g->size);
			g->inv_unit = inverse(g->unit_pages);
		}
	for (unsigned i = 0, c = 0; i < sizeof(heap_class_by_16); i++) {
		while (small_size[c] < i * 16)
			c++;
		heap_class_by_16[i] = (uint8_t)c;
	}
	for (unsigned i = 0, c = 0; i < sizeof(heap_class_by_page); i++) {
		while (medium_pages[c] < i)
			c++;
		heap_class_by_page[i] = (uint8_t)(NSMALL + c);
	}
}

struct cut heap_cut[HEAP_CLASS_RUN + 3];

void heap_paged_init(struct geom geom[HEAP_CLASSES])
{
	for (unsigned c = 0; c <= HEAP_CLASS_RUN; c++) {
		uint32_t size = (uint32_t)heap_class_size(c);

		geom[c] = (struct geom){
			.size = size,
			.band = PAGE_SIZE,
			.width = PAGE_SIZE,
			.column_mask = 0,
			.rows = 1,
			.unit_pages = 1,
			.slots = (uint16_t)MAX(PAGE_SIZE / size, 1U),
			.group_shift = PAGED_SHIFT,
			.cls = (uint8_t)c,
			.inv_rows = inverse(1),
			.inv_size = size <= PAGE_SIZE ? inverse(size) : 0,
			.inv_unit = inverse(1),
		};
		heap_cut[c + 1] = (struct cut){(uint32_t)geom[c].inv_size, size, geom[c].slots,
			(uint16_t)((size + PAGE_SIZE - 1) / PAGE_SIZE)};
	}
}
