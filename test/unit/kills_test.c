/*
 * Both engines on a model of the host: what a kill does to the memory around it. Which huge
 * pages are split, when, and at whose cost.
 */
#include "engine_play.h"
#include "base/budget.h"

static struct sheet *sheet_with(const void *p)
{
	return (struct sheet *)(space_entry(vaddr_of(p)) & ~SPACE_WHAT);
}

static bool is_in_huge(void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));

	return (e & SPACE_WHAT) == SPACE_SHEET ? sheet_with(p)->at.huge
					       : view_is_huge((struct view *)e);
}

/* The first kill in 2 MB that are one huge page is charged for all their pages, and no other kill. */
static void split(unsigned pages)
{
	static void *p[8 * SHEET_PAGES]; /* more than private views have */
	const uint64_t most = budget_cost(0, UINT64_MAX);
	uint64_t before = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(pages * PAGE_SIZE - 96);
	for (unsigned i = 0; i < ARRAY_LEN(p) && n < 3; i++) {
		if (!n && !is_in_huge(p[i]))
			continue;
		before = atonce_counts.ns;
		short_free(p[i]);
		n++;
		CHECK(is_dead(vaddr_of(p[i])));
		CHECK_EQ(touches_asked, CHUNK_PAGES - pages);
		CHECK(n > 1 || atonce_counts.ns - before >= (uint64_t)most);
	}
	CHECK_EQ(n, 3);
}

static void play_split(const struct way *w)
{
	split(1);
}

/* Blocks of several pages lie in huge ones as well. */
static void play_split_medium(const struct way *w)
{
	split(2);
}

static void splits_are_charged(void)
{
	in_child(&(struct way){DETECT_ADAPTIVE, 1, 0, false, 0}, play_split);
	in_child(&(struct way){DETECT_ADAPTIVE, 1, 0, false, 0}, play_split_medium);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_split);
}

/* The kernel would keep no memory for pages that are still to be cut: a huge page is split when there are none. */
static void play_half_cut(const struct way *w)
{
	const struct sheet *s;
	void *p[3];

	do
		p[0] = short_malloc(PAGE_SIZE - 96);
	while (!is_in_huge(p[0]));
	p[1] = short_malloc(PAGE_SIZE - 96);
	p[2] = short_malloc(PAGE_SIZE - 96);
	s = sheet_with(p[2]);
	short_free(p[0]);
	short_free(p[1]);
	CHECK_EQ(splits, 0);
	while (s->handed < SHEET_PAGES)
		short_malloc(PAGE_SIZE - 96);
	short_free(p[2]);
	CHECK_EQ(splits, 1);
	CHECK_EQ(touches_asked, CHUNK_PAGES - 1); /* of the first */
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		CHECK(is_dead(vaddr_of(p[i])));
}

static void a_page_that_is_half_cut_is_not_split(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_half_cut);
}

static bool dies_when_freed(void *p)
{
	short_free(p);
	return is_dead(vaddr_of(p));
}

/*
 * A sheet without holes moves when all is dead; with one, 2 MB of fresh memory come in its place. So what is freed
 * all the time dies at once only where there are holes, and what is due makes them: here each second one, after 32.
 */
static void play_whole(const struct way *w)
{
	void *p[64], *next;

	options.strict_share = 100; /* never too little, however slow the machine is */
	mode_start();
	atonce_start();
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(PAGE_SIZE - 96);
	do
		next = short_malloc(PAGE_SIZE - 96);
	while (sheet_with(next) == sheet_with(p[0]));
	for (unsigned i = 0; i < 33; i++)
		CHECK(dies_when_freed(p[i]));
	CHECK(!sheet_with(next)->at.huge && !sheet_is_holed(sheet_with(next)));
	CHECK(!dies_when_freed(next));
	CHECK(!sheet_is_holed(sheet_with(next)));
	CHECK(dies_when_freed(p[33])); /* due */
	CHECK(dies_when_freed(p[34])); /* not due: a hole more */
	next = short_malloc(PAGE_SIZE - 96);
	CHECK(dies_when_freed(next)); /* due */
	CHECK(sheet_is_holed(sheet_with(next)));
}

static void what_is_freed_always_makes_no_first_hole(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_whole);
}

/* A page of 64 blocks is looked at as one, or where some live, as 64. Block n is written to: at its last byte. */
static void written(unsigned n, unsigned live)
{
	struct lock_section section;
	unsigned char *p[64];
	struct late l;

	do
		p[0] = short_malloc(64);
	while (vaddr_of(p[0]) % PAGE_SIZE);
	for (unsigned i = 1; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(64);
	for (unsigned i = live; i < ARRAY_LEN(p); i++)
		short_free(p[i]);
	if (n < ARRAY_LEN(p))
		p[n][63] ^= 1;
	lock_section_enter(&section);
	if (live)
		pages_look_late();
	else
		sweep_run(true);
	lock_section_leave(&section);
	CHECK_EQ(late_take(&l), n < ARRAY_LEN(p));
	CHECK(n == ARRAY_LEN(p) || (l.what == LATE_WRITE && l.at == vaddr_of(p[n]) + 63));
	if (live && n < ARRAY_LEN(p))
		p[n][63] ^= 1;
}

static void play_written(const struct way *w)
{
	static const unsigned blocks[] = {0, 1, 40, 63, 64};

	for (unsigned i = 0; i < ARRAY_LEN(blocks); i++)
		written(blocks[i], 0);
	for (unsigned i = 1; i < ARRAY_LEN(blocks); i++)
		written(blocks[i], 1);
}

static void what_is_written_is_found(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_written);
}

/*
 * Views of rows that had others have every fourth of their units, or so; all but some die. In a fork's child
 * the pages between, which never were theirs, die along: so there are few runs.
 */
static void play_sparse(const struct way *w)
{
	static void *p[8192], *later[2048];

	heap_private_allow(0);
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_alloc(100, false, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(p); i += 4)
		short_free(p[i]);
	sweep(true);
	for (unsigned i = 0; i < ARRAY_LEN(later); i++)
		later[i] = short_alloc(100, false, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(later); i++)
		if (i % 64)
			short_free(later[i]);
	sweep(true);
	block_source->fork_prepare(false);
	runs_again = 0;
	again = true;
	memset(shows, 0, sizeof(shows));
	block_source->fork_child();
	again = false;
	/* Those of the first views, each apart, and about two for each that lives later. */
	CHECK(runs_again > ARRAY_LEN(later) && runs_again < ARRAY_LEN(later) * 5 / 4);
}

static void children_kill_in_long_runs(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, false, 0}, play_sparse);
}

int main(void)
{
	RUN(what_is_written_is_found);
	RUN(splits_are_charged);
	RUN(a_page_that_is_half_cut_is_not_split);
	RUN(what_is_freed_always_makes_no_first_hole);
	RUN(children_kill_in_long_runs);
	return UNIT_END();
}
