/* The first blocks of a process have private pages: one by one, then from 2 MB at once, until it forks. */
#include "engine_play.h"

#define ALONE 640 /* pages of views come by themselves */

static bool is_huge(const void *p)
{
	CHECK_EQ(shows[page_of(vaddr_of(p))], PRIVATE);
	return asked_huge[page_of(vaddr_of(p)) / CHUNK_PAGES];
}

/* Of n blocks that stay, how many lie in 2 MB that were asked to be huge. */
static unsigned made_huge(unsigned n)
{
	unsigned huge = 0;

	for (unsigned i = 0; i < n; i++)
		huge += is_huge(short_malloc(40));
	return huge;
}

static void play_begin(const struct way *w)
{
	unsigned huge = 0;

	CHECK_EQ(made_huge(ALONE - 64), 0);
	made_huge(2 * 64);
	/* What a huge page is taken for is made good use of. */
	CHECK_EQ(made_huge(CHUNK_PAGES), CHUNK_PAGES);
	for (unsigned i = 0; i < ARRAY_LEN(asked_huge); i++)
		huge += asked_huge[i];
	CHECK_EQ(huge, 2);
}

static void fork_here(void)
{
	block_source->fork_prepare(false);
	block_source->fork_parent();
}

static void play_fork_first(const struct way *w)
{
	CHECK_EQ(made_huge(100), 0);
	fork_here();
	CHECK_EQ(made_huge(2 * ALONE), 0);
}

/* What is left of 2 MB serves on; no more are taken. */
static void play_fork_later(const struct way *w)
{
	unsigned n = made_huge(ALONE + 128);

	CHECK(n > 0 && n <= CHUNK_PAGES);
	fork_here();
	CHECK(made_huge(2 * CHUNK_PAGES) <= CHUNK_PAGES - n);
}

static void many_blocks_come_by_huge_pages(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, false, 0}, play_begin);
	in_child(&(struct way){DETECT_ADAPTIVE, 1, 0, true, 0}, play_begin);
}

static void who_forked_takes_no_more(void)
{
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_fork_first);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_fork_later);
}

/* Without 2 MB more there are pages, private or shared. */
static void play_refused(const struct way *w)
{
	made_huge(ALONE);
	fail_every = 2;
	play(2000, 1);
	CHECK(fail_count > 0);
	end_all();
}

static void refused_ones_do_no_harm(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, false, 0}, play_refused);
}

int main(void)
{
	RUN(many_blocks_come_by_huge_pages);
	RUN(who_forked_takes_no_more);
	RUN(refused_ones_do_no_harm);
	return UNIT_END();
}
