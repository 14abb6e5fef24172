/* Classes in little use against the same model: pieces of chunks, until they are in much. */
#include "heap_model.h"

/* As if the last look had been an hour ago. */
static void hour_passes(struct class *c)
{
	if (c->looked_at)
		c->looked_at = __builtin_ia32_rdtsc() - (1UL << 44);
}

/* Some objects of every size now and then, for days: one chunk has eight classes and more. */
static void little_use_takes_little(void)
{
	struct claim k[HEAP_CLASS_PAGE + 1];

	for (int i = 0; i < 300; i++) {
		for (unsigned c = 0; c <= HEAP_CLASS_PAGE; c++) {
			hour_passes(&heap_class[c]);
			k[c] = claim_take(&heap_class[c], EXTENT_PAGES_MAX);
			CHECK_EQ(k[c].row->ext->geom->kind, GEOM_PIECE);
		}
		CHECK(chunks_out <= (HEAP_CLASS_PAGE + 1) / 8 + 1);
		for (unsigned c = 0; c <= HEAP_CLASS_PAGE; c++)
			give_all(&heap_class[c], &k[c]);
	}
	CHECK_EQ(made_huge, 0);
}

/* Views that come fast make it hot, however few live. */
static void haste_makes_hot(void)
{
	const unsigned classes[] = {heap_class_of(64), heap_class_of(1000)};

	for (unsigned i = 0; i < ARRAY_LEN(classes); i++) {
		struct class *c = &heap_class[classes[i]];
		struct claim k = {0};
		unsigned n;

		hour_passes(c);
		for (n = 0; n < 1000 && (!k.row || c->pages < CHUNK_PAGES); n++) {
			give_all(c, &k);
			k = claim_take(c, EXTENT_PAGES_MAX);
		}
		CHECK(n >= 2 && n < 20);
		/* Of those before none is left but where something lives. */
		CHECK_EQ(k.row->ext->pages, CHUNK_PAGES);
		CHECK_EQ(c->extents, 1);
		give_all(c, &k);
	}
}

/* What lives on for hours gets whole chunks when it would fill half of what those take. */
static void many_alive_make_hot(void)
{
	const unsigned classes[] = {heap_class_of(96), heap_class_of(1300)};
	static struct claim k[4096];

	for (unsigned i = 0; i < ARRAY_LEN(classes); i++) {
		struct class *c = &heap_class[classes[i]];
		size_t whole = (size_t)CHUNK_PAGES * heap_geom[0][classes[i]].width, bytes = 0;
		unsigned n;

		for (n = 0; n < ARRAY_LEN(k) && (!n || c->pages < CHUNK_PAGES); n++) {
			hour_passes(c);
			bytes = c->bytes;
			k[n] = claim_take(c, EXTENT_PAGES_MAX);
		}
		CHECK(n > 1 && n < ARRAY_LEN(k));
		CHECK(bytes >= whole / 2 && bytes <= 2 * whole + HUGE_SIZE / 4);
		while (n--)
			give_all(c, &k[n]);
		CHECK(c->bytes <= 2 * HUGE_SIZE);
	}
}

/* Objects larger than a page: in more and more pages, in whole chunks from 2 MB on. */
static void medium_grows(void)
{
	struct class *c = &heap_class[heap_class_of(9000)];
	static struct claim k[256];
	size_t bytes = 0;
	unsigned n;

	for (n = 0; n < 100; n++) {
		k[0] = claim_take(c, 4);
		CHECK(k[0].row->ext->pages < CHUNK_PAGES);
		give_all(c, &k[0]);
	}
	for (n = 0; n < ARRAY_LEN(k) && (!n || c->pages < CHUNK_PAGES); n++) {
		bytes = c->bytes;
		k[n] = claim_take(c, EXTENT_PAGES_MAX);
	}
	CHECK(n > 1 && n < ARRAY_LEN(k) && bytes >= HUGE_SIZE && bytes < 2 * HUGE_SIZE);
	while (n--)
		give_all(c, &k[n]);
}

/* What a sweep empties is wanted again soon; what is not, goes. */
static void empty_ones_stay_a_while(void)
{
	struct class *c = &heap_class[heap_class_of(9000)];
	struct claim k[3];

	for (unsigned i = 0; i < 16; i++) {
		k[0] = claim_take(c, EXTENT_PAGES_MAX);
		give_all(c, &k[0]);
	}
	heap_idle_drop(true);
	CHECK(c->pages < CHUNK_PAGES && !c->extents);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(k); i++)
			k[i] = claim_take(c, EXTENT_PAGES_MAX);
		CHECK_EQ(c->extents, ARRAY_LEN(k));
		for (unsigned i = 0; i < ARRAY_LEN(k); i++)
			give_all(c, &k[i]);
		CHECK_EQ(c->empty, ARRAY_LEN(k));
		heap_idle_drop(false);
		CHECK_EQ(c->empty, ARRAY_LEN(k));
	}
	k[0] = claim_take(c, EXTENT_PAGES_MAX);
	give_all(c, &k[0]);
	heap_idle_drop(false);
	CHECK_EQ(c->empty, 1);
	heap_idle_drop(false);
	CHECK_EQ(c->extents, 0);
	for (unsigned i = 0; i < ARRAY_LEN(k); i++)
		k[i] = claim_take(c, EXTENT_PAGES_MAX);
	for (unsigned i = 0; i < ARRAY_LEN(k); i++)
		give_all(c, &k[i]);
	heap_idle_drop(true);
	CHECK_EQ(c->extents, 0);
}

/* Where mappings are scarce, a new extent is whole however little it is used. */
static void pieces_end(void)
{
	struct class *c = &heap_class[heap_class_of(200)];
	struct claim k;

	hour_passes(c);
	CHECK_EQ(c->pages < CHUNK_PAGES, 1);
	heap_pieces_end();
	k = claim_take(c, EXTENT_PAGES_MAX);
	CHECK(k.row->ext->pages >= CHUNK_PAGES && k.row->ext->geom->kind == GEOM_COLUMN);
	give_all(c, &k);
	heap_init(true);
}

static struct row *row_take(unsigned cls, uint32_t most, uint64_t *mask)
{
	uint32_t there;
	bool zeroed;
	struct row *r = heap_row_take(&heap_class[cls], most, mask, &zeroed, &there);

	CHECK(r && (!extent_is_private(r->ext) || (zeroed && !there)));
	return r;
}

/* As many pages as are allowed; what is given back is not shown again, and counts no more. */
static void private_ones_are_few(void)
{
	const unsigned small = heap_class_of(64), medium = heap_class_of(9000);
	uint64_t mask[4][EXTENT_PAGES_MAX / 64] = {{0}};
	struct row *r[4];
	uint32_t views = heap_class[small].views;
	size_t bytes;

	heap_idle_drop(true);
	heap_trim();
	bytes = heap_bytes();
	heap_private_allow(16 + 64 + 30 + 63);
	r[0] = row_take(small, 16, mask[0]);
	r[1] = row_take(small, EXTENT_PAGES_MAX, mask[1]);
	CHECK_EQ(heap_class[small].views, views); /* it has not grown by them */
	r[2] = row_take(medium, EXTENT_PAGES_MAX, mask[2]);
	r[3] = row_take(small, EXTENT_PAGES_MAX, mask[3]);
	for (unsigned i = 0; i < 3; i++)
		CHECK(extent_is_private(r[i]->ext));
	CHECK(!extent_is_private(r[3]->ext));
	CHECK(bits(mask[0]) == 16 && bits(mask[1]) == 64 && bits(mask[2]) == 10);
	heap_row_give(&heap_class[small], r[3], mask[3]);
	heap_idle_drop(true);
	heap_trim();
	CHECK_EQ(heap_bytes(), bytes + (16 + 64 + 30) * PAGE_SIZE);
	/* One by one: no row has anything of it before all is back. */
	for (unsigned u = 0; u < 64; u++) {
		uint64_t one[EXTENT_PAGES_MAX / 64] = {1UL << u};

		CHECK_EQ(r[1]->bucket, 0);
		CHECK_EQ(heap_class[small].free_units + heap_class[small].bytes, 0);
		CHECK_EQ(heap_class[small].extents, 2);
		heap_row_give(&heap_class[small], r[1], one);
		if (u != 50)
			continue;
		r[3] = row_take(small, EXTENT_PAGES_MAX, mask[3]);
		CHECK(!extent_is_private(r[3]->ext));
		heap_row_give(&heap_class[small], r[3], mask[3]);
		heap_idle_drop(true);
	}
	heap_trim();
	CHECK_EQ(heap_class[small].extents, 1);
	heap_row_give(&heap_class[small], r[0], mask[0]);
	heap_row_give(&heap_class[medium], r[2], mask[2]);
	CHECK(!heap_class[small].extents && !heap_class[medium].extents);
	CHECK_EQ(heap_bytes(), bytes);
}

/* However often a process begins: what lives counts. */
static void private_ones_end(void)
{
	const unsigned cls = heap_class_of(64);
	static struct row *r[100];
	uint64_t mask[EXTENT_PAGES_MAX / 64];
	unsigned n;

	for (n = 0; n < ARRAY_LEN(r); n++) {
		heap_private_allow(1000);
		r[n] = row_take(cls, EXTENT_PAGES_MAX, mask);
		if (!extent_is_private(r[n]->ext))
			break;
	}
	CHECK_EQ(n, 61); /* less than 256 are left */
	heap_row_give(&heap_class[cls], r[n], mask);
	while (n--) {
		mask[0] = ~0UL;
		heap_row_give(&heap_class[cls], r[n], mask);
	}
	heap_private_allow(0);
	CHECK(!extent_is_private((r[0] = row_take(cls, EXTENT_PAGES_MAX, mask))->ext));
	heap_row_give(&heap_class[cls], r[0], mask);
	heap_idle_drop(true);
}

static void cold_come_and_go(void)
{
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		heap_class[c].pages = 0;
	rows_come_and_go();
}

int main(void)
{
	unit_section();
	heap_init(true);
	RUN(little_use_takes_little);
	RUN(haste_makes_hot);
	RUN(many_alive_make_hot);
	RUN(empty_ones_stay_a_while);
	RUN(medium_grows);
	RUN(private_ones_are_few);
	RUN(private_ones_end);
	RUN(pieces_end);
	RUN(cold_come_and_go);
	return UNIT_END();
}
