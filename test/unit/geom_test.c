// sources: src/rows/class.c src/base/sizes.c
/* The geometry of the size classes: every byte of a page belongs to one row at most. */
#include "rows/heap.h"
#include "unit.h"

static struct geom geom[GEOM_KINDS][HEAP_CLASSES];

static unsigned long seed = 88172645463325252UL;

static unsigned long rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void classes_fit(void)
{
	heap_geom_init(geom);
	for (unsigned c = 1; c < heap_class_count(); c++)
		CHECK(heap_class_size(c - 1) < heap_class_size(c));
	for (size_t n = 0; n <= HEAP_MEDIUM_MAX; n += n < 5000 ? 1 : 997) {
		unsigned c = heap_class_of(n);

		CHECK(c < heap_class_count());
		CHECK(heap_class_size(c) >= n);
		CHECK(c == 0 || heap_class_size(c - 1) < n);
		CHECK_EQ(heap_class_size(c) % BLOCK_ALIGN, 0);
	}
	for (size_t align = 16; align <= PAGE_SIZE; align *= 2)
		for (size_t n = 1; n < 9000; n += 37) {
			unsigned c = heap_class_aligned(n, align);

			CHECK(heap_class_size(c) >= n);
			CHECK_EQ(heap_class_size(c) % align, 0);
		}
}

/* Of larger classes too, a row has the whole unit or bytes of its own in it. */
static void rows_share_unit(const struct geom *k)
{
	static uint8_t taken[8 * PAGE_SIZE];
	size_t unit = (size_t)k->unit_pages << PAGE_SHIFT;

	CHECK_EQ((size_t)k->rows * k->band, unit);
	for (uint32_t u = 0; u < 512; u += 7) {
		if (k->rows == 1) {
			CHECK_EQ(geom_band_at(k, geom_place(0, 0), u), 0);
			continue;
		}
		CHECK(unit <= sizeof(taken));
		memset(taken, 0, sizeof(taken));
		for (uint32_t r = 0; r < k->rows; r++)
			for (uint32_t b = 0; b < k->band; b++)
				CHECK_EQ(taken[geom_band_at(k, geom_place(0, r), u) + b]++, 0);
		for (size_t b = unit; b < sizeof(taken); b++)
			CHECK_EQ(taken[b], 0);
	}
}

static void geometry_fits(void)
{
	for (unsigned n = 0; n < GEOM_KINDS * heap_class_count(); n++) {
		unsigned kind = n % GEOM_KINDS, c = n / GEOM_KINDS;
		const struct geom *k = &geom[kind][c];

		CHECK_EQ(k->size, heap_class_size(c));
		CHECK_EQ(k->kind, c > HEAP_CLASS_PAGE ? 0 : kind);
		CHECK(kind != GEOM_PIECE || k->width == PAGE_SIZE);
		CHECK_EQ(k->band, k->size << k->group_shift);
		CHECK(geom_group(k) <= GROUP_MAX);
		CHECK(kind == GEOM_WIDE || k->group_shift == 0);
		/* A wide band is as many objects as go into a page, by powers of two. */
		CHECK(kind != GEOM_WIDE || c > HEAP_CLASS_PAGE || k->band * 2 > PAGE_SIZE ||
			geom_group(k) == GROUP_MAX);
		CHECK(k->rows > 0 && (k->unit_pages > 1 || k->rows * k->band <= k->width));
		/* Narrow ones lose little, and a place has room for both its parts. */
		CHECK(k->width == PAGE_SIZE || k->rows * k->band * 16 >= k->width * 15U);
		CHECK(k->width == PAGE_SIZE || k->rows >= 4);
		CHECK(k->rows <= COLUMN_MIN);
		if (k->unit_pages > 1)
			rows_share_unit(k);
	}
}

/* Fills a page with columns of any classes: the bands of all their rows, in page u. */
static void page_fill(uint32_t u, unsigned long pick)
{
	static uint8_t taken[PAGE_SIZE];
	uint32_t column = 0;

	memset(taken, 0, sizeof(taken));
	while (column < PAGE_SIZE) {
		const struct geom *k =
			&geom[pick % GEOM_KINDS][pick / GEOM_KINDS % (HEAP_CLASS_PAGE + 1)];

		pick = rnd();
		if (column % k->width)
			continue; /* extents are aligned to their width */
		for (uint32_t r = 0; r < k->rows; r++) {
			uint32_t at = geom_band_at(k, geom_place(column, r), u);

			CHECK(at + k->band <= PAGE_SIZE);
			for (uint32_t b = 0; b < k->band; b++)
				CHECK_EQ(taken[at + b]++, 0);
		}
		column += k->width;
	}
}

/* In every page, the bands of all rows of all extents that share a chunk are disjoint. */
static void bands_are_disjoint(void)
{
	for (uint32_t u = 0; u < EXTENT_PAGES_MAX; u++)
		for (unsigned long first = 0; first < GEOM_KINDS * (HEAP_CLASS_PAGE + 1); first++)
			page_fill(u, first);
}

/* A view walks through all columns, and through the rows in each. */
static void bands_are_spread(void)
{
	const struct geom *g = &geom[0][heap_class_of(64)];
	uint64_t sets = 0;

	for (uint32_t u = 0; u < CHUNK_PAGES; u++)
		sets |= 1UL << geom_band_at(g, geom_place(COLUMN_MIN, 3), u) / 64;
	CHECK_EQ(sets, ~0UL);
}

static void division(void)
{
	for (unsigned c = 0; c < heap_class_count(); c++) {
		const struct geom *g = &geom[0][c];

		for (uint32_t x = 0; x < 4096; x++) {
			if (g->size <= PAGE_SIZE)
				CHECK_EQ(quick_div(x, g->inv_size), x / g->size);
			CHECK_EQ(quick_div(x, g->inv_rows), x / g->rows);
			CHECK_EQ(quick_div(x, g->inv_unit), x / g->unit_pages);
		}
	}
}

int main(void)
{
	RUN(classes_fit);
	RUN(geometry_fits);
	RUN(bands_are_disjoint);
	RUN(bands_are_spread);
	RUN(division);
	return UNIT_END();
}
