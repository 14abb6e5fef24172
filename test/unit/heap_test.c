/* The heap against a model: no two rows share a byte, units come and go, memory goes back. */
#include "heap_model.h"

/* The same for all classes at once, which share chunks, and some of which are wide by then. */
static void classes_share_chunks(void)
{
	enum { CLAIMS = 400 };
	static struct claim claim[CLAIMS];
	static uint8_t of[CLAIMS];
	unsigned shared = 0;

	heap_init(true);
	for (int i = 0; i < 30000; i++) {
		unsigned at = (unsigned)(rnd() % CLAIMS), cls = (unsigned)(rnd() % 26);
		struct claim *k = &claim[at], *other = &claim[rnd() % CLAIMS];

		if (i % 10000 == 9999)
			heap_widen(&heap_class[cls]);
		if (k->row) {
			shared += other->row && of[at] != of[other - claim] &&
				  k->row->ext->chunk == other->row->ext->chunk;
			give_some(&heap_class[of[at]], k);
			continue;
		}
		*k = claim_take(&heap_class[cls], rnd() % 2 ? CHUNK_PAGES : 16);
		of[at] = (uint8_t)cls;
	}
	CHECK(shared > 100);
	for (unsigned i = 0; i < CLAIMS; i++)
		give_all(&heap_class[of[i]], &claim[i]);
	/* One or two extents each are kept at most, four classes to a chunk where they can. */
	CHECK(heap_bytes() <= 60 * HUGE_SIZE);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		heap_class[c].wide = false;
}

/* Columns of one chunk: no pair is broken for nothing, dirty when they come back, given in the end.
 */
static void columns_come_back(void)
{
	const struct geom *one = &heap_geom[0][heap_class_of(64)];
	const struct geom *two = &heap_geom[0][heap_class_of(224)];
	struct extent *e[6], *pair;
	uint32_t column;

	CHECK_EQ(one->width, COLUMN_MIN);
	CHECK_EQ(two->width, 2 * COLUMN_MIN);
	CHECK_EQ(chunks_out, 0);
	for (int i = 0; i < 3; i++)
		e[i] = heap_extent_new(one, CHUNK_PAGES, false);
	pair = heap_extent_new(two, CHUNK_PAGES, false);
	e[3] = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK_EQ(e[3]->chunk, e[0]->chunk);
	CHECK(pair->chunk != e[0]->chunk && pair->column % two->width == 0);
	CHECK_EQ(e[0]->column | e[1]->column | e[2]->column | e[3]->column, 3 * COLUMN_MIN);
	CHECK(!e[0]->dirty && !e[1]->dirty && !e[2]->dirty && !e[3]->dirty && !pair->dirty);
	column = e[1]->column;
	heap_extent_free(e[1]);
	e[1] = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK(e[1]->dirty && e[1]->chunk == e[0]->chunk && e[1]->column == column);
	e[4] = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK(!e[4]->dirty && e[4]->chunk == pair->chunk);
	CHECK_EQ(chunks_out, 2);
	for (int i = 0; i < 4; i++)
		if (e[i]->column < 3 * COLUMN_MIN)
			heap_extent_free(e[i]);
		else
			e[0] = e[i];
	e[5] = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK_EQ(e[5]->chunk, pair->chunk);
	e[1] = heap_extent_new(one, CHUNK_PAGES, false);
	e[2] = heap_extent_new(two, CHUNK_PAGES, false);
	CHECK(e[1]->chunk == e[0]->chunk && e[2]->chunk == e[0]->chunk);
	for (int i = 0; i < 3; i++)
		heap_extent_free(e[i]);
	CHECK_EQ(chunks_out, 1);
	heap_extent_free(pair);
	pair = heap_extent_new(two, CHUNK_PAGES, false);
	CHECK(pair->dirty && pair->chunk == e[4]->chunk);
	heap_extent_free(pair);
	heap_extent_free(e[4]);
	heap_extent_free(e[5]);
	CHECK_EQ(chunks_out, 0);
}

/* Parts that come back to a chunk that stays: they are zero again. */
static void pieces_come_back(void)
{
	const struct geom *g = &heap_geom[0][HEAP_CLASS_PAGE + 1];
	struct extent *a = heap_extent_new(g, 32, false), *b = heap_extent_new(g, 64, false);

	CHECK(a->chunk == b->chunk && b->first % 64 == 0 && a->first != b->first);
	memset(written[b->chunk][b->first], 0xff, 64 * sizeof(written[0][0]));
	heap_extent_free(b);
	b = heap_extent_new(g, 64, false);
	CHECK(a->chunk == b->chunk && !b->dirty);
	CHECK_EQ(written[b->chunk][b->first][0] | written[b->chunk][b->first + 63][3], 0);
	heap_extent_free(a);
	heap_extent_free(b);
	CHECK_EQ(chunks_out, 0);
}

/* Huge after so many units of all its columns, once; then kept for others, and not zero. */
static void chunks_become_huge(void)
{
	const struct geom *one = &heap_geom[0][heap_class_of(64)];
	struct extent *a = heap_extent_new(one, CHUNK_PAGES, false),
		      *b = heap_extent_new(one, CHUNK_PAGES, false);
	unsigned before = made_huge;
	uint32_t id = a->chunk;

	CHECK_EQ(b->chunk, id);
	heap_extent_shown(a, 256, false);
	heap_extent_shown(b, 128, true);
	CHECK(made_huge == before && !heap_chunk_is_huge(id));
	heap_extent_shown(b, 128, true);
	CHECK(made_huge == before + 1 && heap_chunk_is_huge(id));
	for (int i = 0; i < 5; i++)
		heap_extent_shown(a, 16, true);
	CHECK_EQ(made_huge, before + 1);
	heap_extent_free(a);
	heap_extent_free(b);
	CHECK(chunks_out == 1 && heap_bytes() == HUGE_SIZE);
	a = heap_extent_new(&heap_geom[0][HEAP_CLASS_PAGE], CHUNK_PAGES, false);
	CHECK(a->chunk == id && a->dirty && heap_chunk_is_huge(id));
	heap_extent_free(a);
	heap_trim();
	CHECK(chunks_out == 0 && heap_bytes() == 0 && heap_used_bytes() == 0);
	a = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK(!a->dirty && !heap_chunk_is_huge(a->chunk));
	heap_extent_free(a);
}

/* Whoever used it at that moment made it fail: it is asked again, but not at once. */
static void huge_is_asked_again(void)
{
	const struct geom *one = &heap_geom[0][heap_class_of(64)];
	struct extent *a = heap_extent_new(one, CHUNK_PAGES, false);
	unsigned before = made_huge;

	huge_fails = 1;
	heap_extent_shown(a, 512, false);
	CHECK(made_huge == before + 1 && !heap_chunk_is_huge(a->chunk));
	heap_extent_shown(a, 256, false);
	CHECK_EQ(made_huge, before + 1);
	heap_extent_shown(a, 256, false);
	CHECK(made_huge == before + 2 && heap_chunk_is_huge(a->chunk));
	heap_extent_free(a);
	heap_trim();
}

/* In a program that has used many, a chunk is huge before anybody has its pages. */
static void hot_chunks_are_huge_at_once(void)
{
	const struct geom *one = &heap_geom[0][heap_class_of(64)];
	struct extent *a = heap_extent_new(one, CHUNK_PAGES, false), *b;
	unsigned before;

	heap_trim();
	for (int i = 0; i < 64; i++)
		heap_extent_shown(a, 512, false);
	b = heap_extent_new(&heap_geom[0][HEAP_CLASS_PAGE - 1], CHUNK_PAGES, false);
	CHECK(b->chunk != a->chunk && b->geom->rows > 1);
	before = made_huge;
	heap_extent_shown(b, 16, false);
	CHECK(made_huge == before + 1 && heap_chunk_is_huge(b->chunk));
	heap_extent_free(a);
	heap_extent_free(b);
	heap_trim();
}

/* A few objects of every size: few chunks, none of them huge, and few pages of those. */
static void small_heap_stays_small(void)
{
	struct claim k[HEAP_CLASS_PAGE + 1];
	unsigned before = made_huge, pages = 0, width = 0;

	for (unsigned c = 0; c <= HEAP_CLASS_PAGE; c++) {
		k[c] = claim_take(&heap_class[c], 16);
		width += heap_geom[0][c].width;
	}
	CHECK_EQ(made_huge, before);
	CHECK(chunks_out <= width / PAGE_SIZE + 1);
	for (unsigned i = 0; i < ARRAY_LEN(written); i++)
		for (unsigned p = 0; p < CHUNK_PAGES; p++)
			pages += (written[i][p][0] | written[i][p][1] | written[i][p][2] |
					 written[i][p][3]) != 0;
	CHECK(pages <= chunks_out * 16);
	for (unsigned c = 0; c <= HEAP_CLASS_PAGE; c++)
		give_all(&heap_class[c], &k[c]);
}

static void out_of_memory(void)
{
	struct class *c = &heap_class[1];
	struct claim last = {0};
	uint32_t there;
	bool zeroed;
	unsigned n = 0;

	last.row = heap_row_take(c, CHUNK_PAGES, last.mask, &zeroed, &there);
	chunk_limit = 0;
	for (;; n++) {
		struct claim k = {0};

		k.row = heap_row_take(c, CHUNK_PAGES, k.mask, &zeroed, &there);
		if (!k.row)
			break;
		last = k;
	}
	chunk_limit = ARRAY_LEN(chunk_out);
	CHECK(n > 0);
	heap_row_give(c, last.row, last.mask);
	CHECK(heap_row_take(c, CHUNK_PAGES, last.mask, &zeroed, &there));
}

/* Below which units a view may find memory: some view showed those, of this row or of another. */
static void memory_is_where_views_were(void)
{
	struct class *c = &heap_class[heap_class_of(512)];
	struct claim a = {0}, b = {0};
	uint32_t there;
	bool zeroed;

	heap_idle_drop(true);
	heap_trim();
	a.row = heap_row_take(c, 16, a.mask, &zeroed, &there);
	CHECK(zeroed && there == 0);
	b.row = heap_row_take(c, CHUNK_PAGES, b.mask, &zeroed, &there);
	CHECK(b.row == a.row && !zeroed && there == 16);
	heap_row_give(c, a.row, a.mask);
	a.row = heap_row_take(c, CHUNK_PAGES, a.mask, &zeroed, &there);
	CHECK(there == b.row->ext->units);
	heap_row_give(c, a.row, a.mask);
	heap_row_give(c, b.row, b.mask);
}

/* The geometry of a page is the same in both; other classes go on with new extents. */
static void widening_leaves_pages(void)
{
	struct class *page = &heap_class[HEAP_CLASS_PAGE], *small = &heap_class[0];

	heap_init(false);
	heap_pieces_end();
	page->wide = small->wide = false;
	heap_widen(page);
	heap_widen(small);
	CHECK(!page->wide);
	CHECK(small->wide);
	small->wide = false;
}

int main(void)
{
	unit_section();
	heap_init(false);
	heap_pieces_end();
	RUN(columns_come_back);
	RUN(pieces_come_back);
	RUN(chunks_become_huge);
	RUN(huge_is_asked_again);
	RUN(small_heap_stays_small);
	RUN(widening_leaves_pages);
	RUN(rows_come_and_go);
	RUN(classes_share_chunks);
	RUN(out_of_memory);
	RUN(hot_chunks_are_huge_at_once);
	RUN(memory_is_where_views_were);
	return UNIT_END();
}
