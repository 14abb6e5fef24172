/*
 * class.c - the geometry of the size classes. pure but for its own read-only tables.
 *
 * Small: the column is the narrowest that wastes little. Medium: whole pages, four per doubling.
 */
#include "heap.h"

/* Pages, and how many blocks share them (each still has a view's pages to itself). */
static const struct {
	uint16_t pages, slots;
} medium[] = {{5, 4}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 1}};

#define NMEDIUM ARRAY_LEN(medium)
_Static_assert(SMALL_CLASSES + NMEDIUM <= HEAP_CLASSES, "raise HEAP_CLASSES");

uint8_t heap_class_by_1k[HEAP_MEDIUM_MAX / 1024 + 1];

unsigned heap_class_count(void)
{
	return SMALL_CLASSES + NMEDIUM;
}

static size_t medium_size(unsigned i)
{
	return ((size_t)medium[i].pages << PAGE_SHIFT) / medium[i].slots;
}

size_t heap_class_size(unsigned cls)
{
	return cls < SMALL_CLASSES ? small_size[cls] : medium_size(cls - SMALL_CLASSES);
}

unsigned heap_class_aligned(size_t size, size_t align)
{
	unsigned c = heap_class_of(size);

	while (heap_class_size(c) & (align - 1))
		c++;
	return c;
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

static void geom_small(struct geom *g, size_t group)
{
	g->size = small_size[g->cls];
	g->unit_pages = 1;
	while ((2UL << g->group_shift) * g->size <= group && (2UL << g->group_shift) <= GROUP_MAX)
		g->group_shift++;
	g->band = g->size << g->group_shift;
	g->slots = (uint16_t)(1U << g->group_shift);
	g->width = g->kind == GEOM_PIECE ? PAGE_SIZE : column_width(g->band);
	g->rows = g->width / g->band;
}

void heap_geom_init(struct geom geom[GEOM_KINDS][HEAP_CLASSES])
{
	for (unsigned kind = 0; kind < GEOM_KINDS; kind++)
		for (unsigned c = 0; c < heap_class_count(); c++) {
			struct geom *g = &geom[kind][c];

			*g = (struct geom){.cls = (uint8_t)c};
			if (c < SMALL_CLASSES) {
				g->kind = (uint8_t)kind;
				geom_small(g, kind == GEOM_WIDE ? PAGE_SIZE : 1);
			} else {
				g->unit_pages = medium[c - SMALL_CLASSES].pages;
				g->size = (uint32_t)medium_size(c - SMALL_CLASSES);
				g->band = g->size;
				g->width = PAGE_SIZE;
				g->rows = medium[c - SMALL_CLASSES].slots;
				g->slots = 1;
			}
			g->column_mask = PAGE_SIZE - g->width;
			g->inv_rows = quick_inverse(g->rows);
			g->inv_size = quick_inverse(g->size);
			g->inv_unit = quick_inverse(g->unit_pages);
		}
	small_init();
	for (unsigned i = 0, c = 0; i < sizeof(heap_class_by_1k); i++) {
		while (medium_size(c) < i * 1024)
			c++;
		heap_class_by_1k[i] = (uint8_t)(SMALL_CLASSES + c);
	}
}
