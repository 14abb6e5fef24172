/*
 * The sizes whose pages last have sheets of their own: what is learned of them, and when, on a model of the host.
 */
#include "engine_play.h"
#include "pages/lasting.h"

/* So many sheets of pages: of eight one is of a size that lives or not, the others of one that dies; then a sweep. */
static void live_and_die(unsigned sheets, bool lives)
{
	for (unsigned i = 0; i < sheets * SHEET_PAGES; i++) {
		for (unsigned k = 0; i % 8 && k < 2; k++)
			short_free(short_malloc(2048));
		for (unsigned k = 0; !(i % 8) && k < 3; k++) {
			void *p = short_malloc(1360);

			if (!lives)
				short_free(p);
		}
	}
	sweep(true);
}

/* What lasts comes to have sheets of its own, and the others die whole and move; until it lasts no more. */
static void play_lasting(const struct way *w)
{
	unsigned cls = pages_class_of(1360);
	struct sheet_counts was, is;

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	CHECK(!size_lasts(cls));
	live_and_die(4, true);
	sheet_count(&was);
	CHECK_EQ(was.moved, 0);
	CHECK(size_lasts(cls) && !size_lasts(pages_class_of(2048)));
	for (unsigned i = 0; i < 8; i++)
		live_and_die(4, true);
	sheet_count(&is);
	CHECK(is.moved - was.moved > 8 * 4 * 7 / 8 - 8);
	for (unsigned i = 0; i < 16; i++)
		live_and_die(4, false);
	CHECK(!size_lasts(cls));
}

/* Nothing is learned from a sheet of which pages are still to be cut. */
static void play_too_early(const struct way *w)
{
	static void *p[SHEET_PAGES / 2];

	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		if (i % 7)
			short_free(p[i]);
	sweep(true);
	CHECK(is_dead(vaddr_of(p[1])) && !is_dead(vaddr_of(p[0])));
	CHECK(!size_lasts(pages_class_of(PAGE_SIZE)));
}

/* A sheet is learned from once: what died later than the others had lasted. */
static void play_lasted(const struct way *w)
{
	static void *p[4 * SHEET_PAGES];

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		if (i % 7)
			short_free(p[i]);
	sweep(true);
	CHECK(size_lasts(pages_class_of(PAGE_SIZE)));
	for (unsigned i = 0; i < ARRAY_LEN(p); i += 7)
		short_free(p[i]);
	sweep(true);
	CHECK(is_dead(vaddr_of(p[0])));
	CHECK(size_lasts(pages_class_of(PAGE_SIZE)));
}

/* What lasts goes on in the sheet where it was; what dies has another from then on. */
static void play_split(const struct way *w)
{
	static void *p[9 * SHEET_PAGES / 2 + 5];
	struct sheet_counts was, is;
	void *last = NULL;

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_LEN(p) - SHEET_PAGES / 2; i++)
		if (i % 7)
			short_free(p[i]);
	sweep(true);
	CHECK(size_lasts(pages_class_of(PAGE_SIZE)));
	sheet_count(&was);
	for (unsigned i = 0; i < SHEET_PAGES / 4; i++)
		last = short_malloc(PAGE_SIZE);
	sheet_count(&is);
	CHECK_EQ(is.made, was.made);
	CHECK(sheet_at(last) == sheet_at(p[ARRAY_LEN(p) - 1]));
	CHECK(sheet_at(short_malloc(100)) != sheet_at(last));
}

static void what_lasts_lies_together(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_too_early);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_split);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_split);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_lasted);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_lasting);
}

int main(void)
{
	RUN(what_lasts_lies_together);
	return UNIT_END();
}
