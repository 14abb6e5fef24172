/* Spans against the same model: some chunks that are taken, cut and given back as one. */
#include "heap_model.h"

static void chunks_marked(const struct extent *e, unsigned use)
{
	CHECK(heap_chunks() >= e->chunk + e->pages / CHUNK_PAGES);
	for (unsigned i = 0; i < e->pages / CHUNK_PAGES; i++)
		CHECK_EQ(heap_chunk_used(e->chunk + i), use);
}

/*
 * All are taken, and marked for fork; and given back. What is as long shares the span, what is not
 * has a chunk of its own.
 */
static void spans_are_chunks_in_a_row(void)
{
	const struct geom *one = &heap_geom[0][heap_class_of(64)];
	unsigned before = chunks_out;
	struct extent *e = heap_extent_new(one, EXTENT_PAGES_MAX, false), *other, was;

	CHECK_EQ(chunks_out, before + SPAN_CHUNKS);
	CHECK_EQ(e->chunk % SPAN_CHUNKS, 0);
	chunks_marked(e, 1);
	other = heap_extent_new(one, EXTENT_PAGES_MAX, false);
	CHECK(other->chunk == e->chunk && other->column != e->column);
	heap_extent_free(other);
	other = heap_extent_new(one, CHUNK_PAGES, false);
	CHECK(other->chunk / SPAN_CHUNKS != e->chunk / SPAN_CHUNKS);
	heap_extent_free(other);
	was = *e;
	heap_extent_free(e);
	chunks_marked(&was, 0);
	CHECK_EQ(chunks_out, before);
}

/*
 * A class in much use has spans, then. The rows of before serve when those have no more, and where
 * there is no room for another span, an extent of before is made.
 */
static void spans_for_the_hot(void)
{
	struct class *c = &heap_class[heap_class_of(64)];
	struct claim small[2], k, *taken = calloc(4096, sizeof(*taken));
	unsigned n = 0, spans = 0, have;

	heap_init(true);
	heap_pieces_end();
	c->views = 0;
	for (unsigned i = 0; i < 2; i++)
		small[i] = claim_take(c, EXTENT_PAGES_MAX);
	CHECK_EQ(small[0].row->ext->units, CHUNK_PAGES);
	c->looked = 0;
	for (c->views = 0; !spans && n < 200; n++) {
		k = claim_take(c, 64);
		CHECK_EQ(k.row->ext->units, k.row->ext->pages);
		spans = k.row->ext->pages > CHUNK_PAGES;
		give_all(c, &k);
	}
	CHECK(spans && n > 100);
	/* Whole rows of a span are taken, although smaller ones are free. */
	give_all(c, &small[0]);
	k = claim_take(c, EXTENT_PAGES_MAX);
	CHECK_EQ(bits(k.mask), EXTENT_PAGES_MAX);
	chunks_marked(k.row->ext, 1);
	have = c->extents;
	for (n = 0; n < 100 && (!n || taken[n - 1].row->ext->pages > CHUNK_PAGES); n++)
		taken[n] = claim_take(c, EXTENT_PAGES_MAX);
	CHECK(n > 8 && n < 100 && c->extents == have);
	while (n--)
		give_all(c, &taken[n]);
	chunk_limit = ALIGN_UP(chunks_out, SPAN_CHUNKS) + 1;
	for (n = 0, spans = 0; n < 4096; n++) {
		struct claim *t = &taken[n];
		uint32_t there;
		bool zeroed;

		t->row = heap_row_take(c, EXTENT_PAGES_MAX, t->mask, &zeroed, &there);
		if (!t->row)
			break;
		claim_mark(t->row, t->mask, true, zeroed);
		CHECK(!n || spans || t->row->ext->pages == CHUNK_PAGES ||
			taken[n - 1].row->ext->pages > CHUNK_PAGES);
		spans += t->row->ext->pages > CHUNK_PAGES;
	}
	CHECK(n < 4096 && spans > 8 && n > spans + 8);
	CHECK_EQ(c->pages, CHUNK_PAGES);
	chunk_limit = ARRAY_LEN(chunk_out);
	for (unsigned i = 0; i < n; i++)
		give_all(c, &taken[i]);
	give_all(c, &small[1]);
	give_all(c, &k);
	c->modest = false;
	free(taken);
}

static void spans_come_and_go(void)
{
	unsigned before = made_huge;

	heap_init(true);
	heap_pieces_end();
	rows_come_and_go();
	CHECK(heap_class[0].pages == EXTENT_PAGES_MAX && heap_class[5].pages == EXTENT_PAGES_MAX);
	CHECK_EQ(heap_class[15].pages, CHUNK_PAGES); /* of 512 bytes: too much memory */
	CHECK(made_huge >= before + SPAN_CHUNKS);
}

int main(void)
{
	unit_section();
	heap_init(true);
	heap_pieces_end();
	RUN(spans_are_chunks_in_a_row);
	RUN(spans_for_the_hot);
	RUN(spans_come_and_go);
	return UNIT_END();
}
