// sources: src/heap_class.c src/heap_chunk.c src/heap_row.c src/meta.c src/panic.c src/out.c
/* The heap against a model: no two rows share a byte, units come and go, memory goes back. */
#include "heap.h"
#include "mmu.h"
#include "unit.h"

static uint8_t chunk_out[1024]; /* what the fake backend handed out */
static unsigned chunks_out, chunk_limit = ARRAY_LEN(chunk_out);

static int fake_take(uint32_t *id)
{
	for (*id = 0; *id < chunk_limit; ++*id)
		if (!chunk_out[*id]) {
			chunk_out[*id] = 1;
			chunks_out++;
			return 0;
		}
	return -12;
}

static void fake_give(uint32_t id)
{
	CHECK_EQ(chunk_out[id], 1);
	chunk_out[id] = 0;
	chunks_out--;
}

static void fake_huge(uint32_t id)
{
	CHECK_EQ(chunk_out[id], 1);
}

static void fake_trim(uint32_t id, unsigned first, unsigned pages)
{
	CHECK_EQ(chunk_out[id], 1);
	CHECK(pages && first + pages <= EXTENT_PAGES);
}

static const struct mmu fake = {.chunk_take = fake_take,
	.chunk_give = fake_give,
	.chunk_huge = fake_huge,
	.chunk_trim = fake_trim};
const struct mmu *mmu = &fake;

static unsigned long seed = 88172645463325252UL;

static unsigned long rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void classes_fit(void)
{
	heap_init(1);
	for (size_t n = 0; n <= HEAP_MEDIUM_MAX; n += n < 5000 ? 1 : 997) {
		unsigned c = heap_class_of(n);

		CHECK(c < heap_class_count());
		CHECK(heap_class_size(c) >= n);
		CHECK(c == 0 || heap_class_size(c - 1) < n);
		CHECK_EQ(heap_class_size(c) % HEAP_ALIGN, 0);
	}
	for (size_t align = 16; align <= PAGE_SIZE; align *= 2)
		for (size_t n = 1; n < 9000; n += 37) {
			unsigned c = heap_class_aligned(n, align);

			CHECK(heap_class_size(c) >= n);
			CHECK_EQ(heap_class_size(c) % align, 0);
		}
}

/* In every page, the bands of all rows are disjoint and inside the page. */
static void bands_are_disjoint(void)
{
	static const size_t groups[] = {1, 16, 256, 1024, 4096};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		static struct geom g[2][HEAP_CLASSES];

		heap_geom_init(g, groups[i]);
		for (unsigned w = 0; w < 2; w++)
			for (unsigned c = 0; c < heap_class_count(); c++) {
				const struct geom *k = &g[w][c];

				CHECK_EQ(k->size, heap_class_size(c));
				CHECK_EQ(k->band, k->size << k->group_shift);
				CHECK(geom_group(k) <= GROUP_MAX);
				CHECK(w || k->group_shift == 0 || k->band <= groups[i]);
				for (uint32_t u = 0; u < 512; u += 7) {
					static uint8_t taken[8 * PAGE_SIZE];
					size_t unit = (size_t)k->unit_pages << PAGE_SHIFT;

					if (k->rows == 1 && k->unit_pages > 1) {
						CHECK_EQ(geom_band_at(k, 0, u), 0);
						CHECK_EQ(k->band, unit);
						continue;
					}
					CHECK(unit <= sizeof(taken));
					memset(taken, 0, sizeof(taken));
					for (uint32_t r = 0; r < k->rows; r++)
						for (uint32_t b = 0; b < k->band; b++)
							CHECK_EQ(taken[geom_band_at(k, r, u) + b]++,
								0);
					for (size_t b = unit; b < sizeof(taken); b++)
						CHECK_EQ(taken[b], 0);
				}
			}
	}
}

static void division(void)
{
	for (unsigned c = 0; c < heap_class_count(); c++) {
		const struct geom *g = &heap_geom[0][c];

		for (uint32_t x = 0; x < 4096; x++) {
			if (g->size <= PAGE_SIZE)
				CHECK_EQ(geom_div(x, g->inv_size), x / g->size);
			CHECK_EQ(geom_div(x, g->inv_rows), x / g->rows);
			CHECK_EQ(geom_div(x, g->inv_unit), x / g->unit_pages);
		}
	}
}

/* A taken unit belongs to nobody else until it is given back. */
struct claim {
	struct row *row;
	uint64_t mask[8];
};

static unsigned bits(const uint64_t *mask)
{
	unsigned n = 0;

	for (unsigned w = 0; w < 8; w++)
		n += (unsigned)__builtin_popcountl(mask[w]);
	return n;
}

static void claim_check(struct claim *all, unsigned n, const struct claim *c)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned w = 0; w < 8 && all[i].row == c->row; w++)
			CHECK_EQ(all[i].mask[w] & c->mask[w], 0);
}

static void give_some(struct class *c, struct claim *k)
{
	uint64_t back[8], rest = 0;
	struct row *r = k->row;

	for (unsigned w = 0; w < 8; w++) {
		back[w] = k->mask[w] & (rnd() % 4 ? ~0UL : rnd());
		k->mask[w] &= ~back[w];
		rest |= k->mask[w];
	}
	heap_row_give(c, r, back);
	if (!rest)
		k->row = NULL;
}

static void rows_come_and_go(void)
{
	enum { CLAIMS = 300 };
	static struct claim claim[CLAIMS];

	for (unsigned cls = 0; cls < heap_class_count(); cls += 5) {
		struct class *c = &heap_class[cls];
		bool zeroed;

		for (int i = 0; i < 20000; i++) {
			struct claim *k = &claim[rnd() % CLAIMS];

			if (k->row) {
				give_some(c, k);
				continue;
			}
			memset(k, 0, sizeof(*k));
			struct claim n = {0};
			uint32_t most = rnd() % 2 ? EXTENT_PAGES : 1 + (uint32_t)(rnd() % 70);

			n.row = heap_row_take(c, ROW_WHOLE, most, n.mask, &zeroed);
			CHECK(bits(n.mask) && bits(n.mask) <= most);
			CHECK(n.row);
			if (!n.row)
				return;
			claim_check(claim, CLAIMS, &n);
			*k = n;
		}
		for (unsigned i = 0; i < CLAIMS; i++)
			while (claim[i].row)
				give_some(c, &claim[i]);
		/* Nothing is in use: nearly everything went back. */
		CHECK(c->bytes <= 2 * HUGE_SIZE);
	}
	CHECK_EQ(heap_bytes(), (size_t)chunks_out << HUGE_SHIFT);
	heap_trim();
	CHECK_EQ(heap_bytes(), (size_t)chunks_out << HUGE_SHIFT);
}

static void out_of_memory(void)
{
	struct class *c = &heap_class[1];
	struct claim last = {0};
	bool zeroed;
	unsigned n = 0;

	last.row = heap_row_take(c, ROW_WHOLE, EXTENT_PAGES, last.mask, &zeroed);
	chunk_limit = 0;
	for (;; n++) {
		struct claim k = {0};

		k.row = heap_row_take(c, ROW_WHOLE, EXTENT_PAGES, k.mask, &zeroed);
		if (!k.row)
			break;
		last = k;
	}
	chunk_limit = ARRAY_LEN(chunk_out);
	CHECK(n > 0);
	heap_row_give(c, last.row, last.mask);
	CHECK(heap_row_take(c, ROW_WHOLE, EXTENT_PAGES, last.mask, &zeroed));
}

/* Whole pages cut for a class: what alias_paged.h divides by. */
static void pages_are_cut(void)
{
	heap_init(PAGE_SIZE);
	CHECK_EQ(heap_class_size(HEAP_CLASS_PAGE), PAGE_SIZE);
	CHECK_EQ(heap_cut[0].slots, 0);
	for (unsigned c = 0; c <= HEAP_CLASS_PAGE; c++) {
		const struct cut *k = &heap_cut[c + 1];

		CHECK_EQ(k->size, heap_class_size(c));
		CHECK_EQ(heap_paged[c].size, k->size);
		CHECK_EQ(heap_paged[c].slots, k->slots);
		CHECK_EQ(heap_paged[c].cls, c);
		CHECK(k->slots <= 1U << PAGED_SHIFT);
		/* No room is left for another one, and none reaches over the end. */
		CHECK(k->slots * k->size <= PAGE_SIZE);
		CHECK((k->slots + 1U) * k->size > PAGE_SIZE);
		for (uint32_t off = 0; off < PAGE_SIZE; off++)
			CHECK_EQ(geom_div(off, k->inv_size), off / k->size);
	}
	/* Larger ones take whole pages, and begin with one. */
	for (unsigned c = HEAP_CLASS_PAGE + 1; c <= HEAP_CLASS_RUN; c++) {
		const struct cut *k = &heap_cut[c + 1];

		CHECK_EQ(k->size, heap_class_size(c));
		CHECK_EQ(heap_paged[c].size, k->size);
		CHECK_EQ(k->pages * PAGE_SIZE, k->size * k->slots);
		CHECK(k->slots == 1 || k->pages > k->slots);
		for (uint32_t x = 0; x < k->pages * PAGE_SIZE && k->slots > 1; x++)
			CHECK_EQ(geom_div(x, k->inv_size), x / k->size);
		if (k->slots == 1)
			CHECK_EQ(geom_div(PAGE_SIZE - 1, k->inv_size), 0);
	}
	CHECK_EQ(heap_class_size(HEAP_CLASS_RUN), 64UL << 10);
	CHECK_EQ(heap_cut[CUT_INNER].slots, 0);
}

/* Rows for runs of pages: none without a run, not even when there is no other. */
static void runs_find_room(void)
{
	struct class *c = &heap_class[HEAP_CLASS_PAGE];
	uint64_t mask[EXTENT_PAGES / 64], all[EXTENT_PAGES / 64], back[EXTENT_PAGES / 64] = {0};
	unsigned limit = chunk_limit;
	struct row *r, *same;
	uint32_t units = 0;
	bool zeroed;

	heap_init(PAGE_SIZE);
	c->views = 100; /* whole chunks */
	r = heap_row_take(c, ROW_RUN_MAX, EXTENT_PAGES, all, &zeroed);
	CHECK(r && r->ext->units == EXTENT_PAGES);
	chunk_limit = 0;
	/* Every second page comes back, then a run of 16 across no word's end. */
	for (unsigned w = 0; w < EXTENT_PAGES / 64; w++)
		back[w] = 0x5555555555555555UL;
	heap_row_give(c, r, back);
	CHECK(!heap_row_take(c, ROW_RUN_MAX, EXTENT_PAGES, mask, &zeroed));
	CHECK(!heap_row_take(c, 2, EXTENT_PAGES, mask, &zeroed));
	for (unsigned w = 0; w < EXTENT_PAGES / 64; w++)
		back[w] = w == 7 ? 0xaaaaUL << 8 : 0;
	heap_row_give(c, r, back);
	same = heap_row_take(c, ROW_RUN_MAX, 16, mask, &zeroed);
	CHECK(same == r);
	for (unsigned w = 0; w < EXTENT_PAGES / 64; w++)
		units += (uint32_t)__builtin_popcountl(mask[w]);
	CHECK_EQ(units, EXTENT_PAGES / 2 + 8);
	chunk_limit = limit;
	heap_row_give(c, r, all);
}

/* The geometry of a page is the same in both; other classes go on with new extents. */
static void widening_leaves_pages(void)
{
	struct class *page = &heap_class[HEAP_CLASS_PAGE], *small = &heap_class[0];

	heap_init(1);
	page->wide = small->wide = false;
	heap_widen(page);
	heap_widen(small);
	CHECK(!page->wide);
	CHECK(small->wide);
	small->wide = false;
}

int main(void)
{
	RUN(classes_fit);
	RUN(pages_are_cut);
	RUN(runs_find_room);
	RUN(widening_leaves_pages);
	RUN(bands_are_disjoint);
	RUN(division);
	RUN(rows_come_and_go);
	RUN(out_of_memory);
	return UNIT_END();
}
