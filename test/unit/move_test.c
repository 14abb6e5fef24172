/*
 * What moves to fresh addresses instead of being mapped anew, on a model of the host: sheets in which all is
 * dead, and blocks that have pages of their own.
 */
#include "engine_play.h"

#include <signal.h>

/* Where nothing is killed before its whole sheet is dead, the memory serves again, and is no zero. */
static void play_moved(const struct way *w)
{
	static unsigned char *p[4 * SHEET_PAGES];
	struct sheet_counts c;

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
			p[i] = short_alloc(PAGE_SIZE, true, NULL);
			see(p[i]);
			CHECK(!p[i][0] && !p[i][PAGE_SIZE - 1]);
			memset(p[i], 0xa5, PAGE_SIZE);
		}
		for (unsigned i = 0; i < ARRAY_LEN(p); i++)
			short_free(p[i]);
		for (unsigned i = 0; i < ARRAY_LEN(p); i++)
			CHECK(is_dead(vaddr_of(p[i])));
	}
	sheet_count(&c);
	CHECK_EQ(c.moved, 4);
	CHECK_EQ(c.live, 0);
}

static void whole_sheets_move(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_moved);
}

/* What is ready lies where it lies: it is none for who wants more alignment. */
static void play_aligned(const struct way *w)
{
	const size_t size = 3 * HUGE_SIZE / 2, align = 16 * HUGE_SIZE;

	for (unsigned i = 0; i < 4; i++) {
		void *p;

		short_free(engine_alloc(size, false, NULL));
		p = engine_alloc_aligned(size, align, NULL);
		CHECK(p && !(vaddr_of(p) % align));
		short_free(p);
	}
}

static void what_is_ready_is_not_aligned(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_aligned);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_aligned);
}

static void stream(unsigned n)
{
	static struct blk was[256];

	for (unsigned i = 0; i < n; i++) {
		struct blk *b = &was[i % ARRAY_LEN(was)];

		CHECK(!b->p || is_dead(vaddr_of(b->p)) || i < ARRAY_LEN(was));
		*b = (struct blk){.p = short_malloc(60000), .size = 60000, .seed = i};
		see(b->p);
		CHECK(!is_dead(vaddr_of(b->p)) && !is_dead(vaddr_of(b->p) + b->size - 1));
		blk_fill(b);
		blk_check(b, b->size);
		short_free(b->p);
	}
}

/*
 * A loop over buffers comes to have a pair, which moves by one call. When it cannot, as long as a block lives in one
 * of the two, the other moves alone; after some such moves there is a pair again.
 */
static void play_pairs(const struct way *w)
{
	struct blk b = {.size = 60000, .seed = 7};

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	stream(2000);
	CHECK_EQ(move_last, 2 * HUGE_SIZE);
	b.p = short_malloc(b.size);
	blk_fill(&b);
	CHECK(sheet_at(b.p)->at.pair && sheet_at(b.p)->at.huge);
	stream(100);
	sweep(true);
	CHECK_EQ(move_last, HUGE_SIZE);
	stream(2000);
	CHECK_EQ(move_last, 2 * HUGE_SIZE);
	blk_check(&b, b.size);
	short_free(b.p);
	stream(2000);
	CHECK_EQ(move_last, 2 * HUGE_SIZE);
}

/*
 * Pages were killed in the first of a pair, and none in the other: holes are never moved, whichever dies first. Nor is
 * a sheet in which all lives, when the other one dies.
 */
static void play_holes(const struct way *w)
{
	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	stream(2000);
	for (unsigned k = 0; k < 3; k++) {
		void *a, *of_other[64];
		unsigned n = 0;

		for (a = short_malloc(60000);
			sheet_at(a)->at.base % (2 * HUGE_SIZE) || !sheet_at(a)->at.pair;
			a = short_malloc(60000))
			short_free(a);
		while (sheet_at(of_other[0] = short_malloc(60000)) == sheet_at(a))
			short_free(of_other[0]);
		for (n = 1; sheet_at(of_other[n - 1]) == sheet_at(of_other[0]); n++)
			of_other[n] = short_malloc(60000);
		CHECK_EQ(sheet_at(of_other[0])->at.base, sheet_at(a)->at.base + HUGE_SIZE);
		if (k < 2) {
			sweep(true);
			CHECK(sheet_at(a)->killed[0] | sheet_at(a)->killed[SHEET_WORDS - 1]);
			CHECK(!sheet_at(of_other[0])->killed[0]);
		}
		if (k)
			short_free(a);
		if (k == 2) {
			sweep(true);
			CHECK(is_dead(vaddr_of(a)));
		}
		while (n) {
			CHECK(!is_dead(vaddr_of(of_other[--n])));
			short_free(of_other[n]);
		}
		if (!k)
			short_free(a);
		stream(2000);
	}
}

/* Blocks live in the second of two pairs: of the first of each, dead, one waits, and no more. */
static void play_waits(const struct way *w)
{
	void *of_first[2], *held[2];

	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	stream(2000);
	for (unsigned k = 0; k < 2; k++) {
		do
			short_free(of_first[k] = short_malloc(60000));
		while (sheet_at(of_first[k])->at.base % (2 * HUGE_SIZE) ||
			!sheet_at(of_first[k])->at.pair);
		while (sheet_at(held[k] = short_malloc(60000)) == sheet_at(of_first[k]))
			short_free(held[k]);
		CHECK(!is_dead(vaddr_of(of_first[k])));
	}
	CHECK(is_dead(vaddr_of(of_first[0])));
}

static void whole_pairs_move(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_waits);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_holes);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_pairs);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_pairs);
}

/* A block that has pages of its own grows and shrinks, within its room and out of it. */
static void play_large(const struct way *w)
{
	static const size_t sizes[] = {1100000, 1500000, 1200000, 2 << 20, 2300000, 1100000,
		5000000, 1700000, 1900000, 9000000, 1 << 20};
	struct blk b = {.size = 1300000, .seed = 1};
	struct engine_bytes bytes;

	b.p = short_malloc(b.size);
	blk_fill(&b);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct blk was = b;
		void *q;

		CHECK(engine_realloc(b.p, sizes[i], NULL, &q));
		b.p = q;
		blk_check(&b, MIN(was.size, sizes[i]));
		b.size = sizes[i];
		blk_fill(&b);
		blk_check(&b, b.size);
		behind_check(&b);
		find_check(&b, BLOCK_LIVE);
		CHECK(!w->stacks || b.p != was.p);
		if (b.p != was.p)
			find_check(&was, BLOCK_DEAD);
		CHECK(b.p == was.p || is_dead(vaddr_of(was.p)));
		engine_bytes(&bytes);
		CHECK_EQ(bytes.large_live, 1);
		CHECK_EQ(bytes.large, ALIGN_UP(b.size, PAGE_SIZE));
	}
}

/* Blocks in the memory of dead ones: elsewhere, and what is left of their addresses faults. */
static void play_replaced(const struct way *w)
{
	static const size_t sizes[] = {
		100000, 100000, 70000, 120000, 40000, 100000, 300000, 270000};
	struct large_counts c;

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct blk b = {.size = sizes[i], .seed = i};

		b.p = short_alloc(b.size, i % 2, NULL);
		CHECK(!(i % 2) || (!b.p[0] && !b.p[b.size - 1]));
		blk_fill(&b);
		blk_check(&b, b.size);
		behind_check(&b);
		find_check(&b, BLOCK_LIVE);
		short_free(b.p);
		find_check(&b, BLOCK_DEAD);
		CHECK(is_dead(vaddr_of(b.p)) && is_dead(vaddr_of(b.p) + b.size - 1));
	}
	large_count(&c);
	CHECK_EQ(c.made, ARRAY_LEN(sizes));
	CHECK_EQ(c.moved, 6);
}

/* However many die: mappings are counted, and are few; and of addresses each takes 2 MB only at first. */
static void play_many(const struct way *w)
{
	const unsigned n = 20000;
	struct large_counts c;

	for (unsigned i = 0; i < n; i++)
		short_free(short_malloc(100000));
	large_count(&c);
	CHECK_EQ(c.moved, n - 1);
}

static void large_blocks_serve_again(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, false, 0}, play_many);
	in_child(&(struct way){DETECT_STRICT, 1, 0, true, 0}, play_replaced);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_replaced);
}

static void large_blocks_grow(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, true, 0}, play_large);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_large);
}

static void touched(int sig, siginfo_t *info, void *context)
{
	uint64_t from = ticks();

	while (ticks() - from < 1UL << 26)
		;
	mprotect(vaddr_ptr(vaddr_of(info->si_addr) & PAGE_MASK), PAGE_SIZE, PROT_READ | PROT_WRITE);
}

/* Of so many fresh sheets; and each is used. */
static unsigned sheets_huge(unsigned n)
{
	unsigned huge = 0;

	for (unsigned i = 0; i < n * SHEET_PAGES; i++) {
		char *p = short_alloc(PAGE_SIZE, false, NULL);

		*p = 1;
		huge += vaddr_of(p) % HUGE_SIZE == 0 &&
			asked_huge[page_of(vaddr_of(p)) / CHUNK_PAGES];
	}
	return huge;
}

/* In runs. */
static void sheets_in_runs(unsigned n)
{
	for (unsigned i = 0; i < n * SHEET_PAGES; i += 16)
		short_malloc(16 * PAGE_SIZE);
}

static void play_slow(const struct way *w)
{
	struct sigaction a = {.sa_sigaction = touched, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &a, NULL);
	CHECK_EQ(sheets_huge(2), 0);
	CHECK_EQ(range_warmed, 0);
	slow_huge = true;
	CHECK_EQ(sheets_huge(20), 2);
	/* The others are asked for before they are touched. */
	CHECK_EQ(range_warmed, 18 * SHEET_BYTES);
	sheets_in_runs(20);
	CHECK_EQ(range_warmed, 18 * SHEET_BYTES);
	/* Nor is what has moved. */
	mode.defer_frees = UINT32_MAX;
	mode.defer_bytes = 1UL << 40;
	mode.defer_ns = 1UL << 60;
	for (unsigned i = 0; i < 300 * SHEET_PAGES; i++)
		short_free(short_alloc(PAGE_SIZE, false, NULL));
	CHECK(range_warmed <= 22 * SHEET_BYTES);
	/* But in the end what moves all the time is huge. */
	move_last = 0;
	for (unsigned i = 0; i < 1300 * SHEET_PAGES; i++)
		short_free(short_alloc(PAGE_SIZE, false, NULL));
	CHECK_EQ(move_last, 2 * SHEET_BYTES);
	slow_huge = false;
	CHECK(sheets_huge(120) >= 20);
}

static void huge_pages_that_come_slowly_are_few(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_slow);
}

static void free_pages(char **p, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		short_free(p[i]);
	sweep(true);
}

/* Long runs of what was killed lose their mappings; one that grows is one hole, and what has none is let alone. */
static void play_unmapped(const struct way *w)
{
	static char *p[SHEET_PAGES];
	struct sheet *s;

	for (unsigned i = 0; i < SHEET_PAGES; i++)
		p[i] = short_alloc(PAGE_SIZE, false, NULL);
	s = sheet_at(p[0]);
	CHECK(sheet_at(p[SHEET_PAGES - 1]) == s);
	free_pages(p, 10, 73);
	sheet_unmap(s, 9);
	CHECK_EQ(sheet_holes(s), 0); /* 63 are few */
	free_pages(p, 73, 80);
	sheet_unmap(s, 9);
	CHECK_EQ(sheet_holes(s), 1);
	ranges_killed = 0;
	sheet_unmap(s, 9);
	CHECK_EQ(ranges_killed, 0);
	free_pages(p, 80, 90);
	sheet_unmap(s, 9);
	CHECK_EQ(ranges_killed, 1);
	CHECK_EQ(sheet_holes(s), 1);
	free_pages(p, 200, 300);
	sheet_unmap(s, 1);
	CHECK_EQ(sheet_holes(s), 1);
	sheet_unmap(s, 2);
	CHECK_EQ(sheet_holes(s), 2);
	CHECK_EQ(ranges_killed, 2);
	for (unsigned i = 0; i < SHEET_PAGES; i++)
		CHECK_EQ(is_dead(vaddr_of(p[i])), (i >= 10 && i < 90) || (i >= 200 && i < 300));
}

static void long_dead_runs_lose_their_mappings(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_unmapped);
}

/* Of what is larger than all addresses nothing need be tried; for what is not, the dead die first. */
static void play_impossible(const struct way *w)
{
	const size_t all = space.end - space.base,
		     size[] = {all + 1, 1UL << 50, PTRDIFF_MAX - 4000, PTRDIFF_MAX};

	for (unsigned i = 0; i < ARRAY_LEN(size); i++) {
		void *p = engine_alloc(100, false, NULL), *q = engine_alloc(2UL << 20, false, NULL),
		     *r;

		CHECK(!engine_alloc(size[i], false, NULL) && errno == ENOMEM);
		CHECK(!engine_alloc_aligned(size[i], 64, NULL));
		CHECK(engine_realloc(p, size[i], NULL, &r) && !r);
		CHECK(engine_realloc(q, size[i], NULL, &r) && !r);
		CHECK(engine_free(p, false, NULL) && engine_free(q, false, NULL));
	}
	CHECK(!engine_alloc_aligned(100, 1UL << 45, NULL));
	CHECK_EQ(sweeps, 0);
	CHECK(!engine_alloc(all, false, NULL));
	CHECK(sweeps > 0);
}

static void the_impossible_is_refused_at_once(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_impossible);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, true, 0}, play_impossible);
}

/* What the kernel has no memory for has no addresses, either: or who asks again and again uses them up. */
static void play_no_memory(const struct way *w)
{
	void *p = engine_alloc(100, false, NULL);
	vaddr_t next = 0;

	CHECK(p != NULL);
	fail_every = 1;
	for (unsigned i = 0; i < 50; i++) {
		CHECK(!engine_alloc(100UL << 20, false, NULL));
		CHECK(!engine_alloc_aligned(3UL << 20, 4UL << 20, NULL));
		/* In front of what is aligned some were left, once. */
		next = next ? next : space.next;
	}
	CHECK(fail_count >= 100);
	CHECK_EQ(space.next, next);
	fail_every = 0;
	CHECK(engine_alloc(100UL << 20, false, NULL) != NULL);
}

static void who_gets_none_uses_up_no_addresses(void)
{
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_no_memory);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, true, 0}, play_no_memory);
}

int main(void)
{
	RUN(whole_sheets_move);
	RUN(what_is_ready_is_not_aligned);
	RUN(whole_pairs_move);
	RUN(large_blocks_serve_again);
	RUN(large_blocks_grow);
	RUN(the_impossible_is_refused_at_once);
	RUN(who_gets_none_uses_up_no_addresses);
	RUN(huge_pages_that_come_slowly_are_few);
	RUN(long_dead_runs_lose_their_mappings);
	return UNIT_END();
}
