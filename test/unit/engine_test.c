/*
 * Both engines on a model of the host, in all its modes: what engine_play.h checks of random threads holds
 * when any call to the host fails, and in the child of a fork; and what is kept where.
 */
#include "engine_play.h"
#include "malloc/last.h"

static const struct way ways[] = {
	{DETECT_GROUPED, 1, 0, false, 0},
	{DETECT_GROUPED, THREADS, 0, false, 0},
	{DETECT_GROUPED, THREADS, 0, true, 0},
	{DETECT_GROUPED, 1, 0, true, 0},
	{DETECT_STRICT, 1, 0, false, 0},
	{DETECT_STRICT, 1, 0, true, 0},
	{DETECT_ADAPTIVE, THREADS, 0, true, 0},
	{DETECT_ADAPTIVE, 1, 0, false, 0},
	{DETECT_DEFERRED, 1, 0, false, 0},
	{DETECT_DEFERRED, THREADS, 0, false, 0},
	{DETECT_DEFERRED, THREADS, 0, true, 0},
	{DETECT_STRICT, THREADS, 400, false, 0},
	{DETECT_DEFERRED, THREADS, 400, false, 0},
	{DETECT_GROUPED, THREADS, 0, false, 64},
	{DETECT_GROUPED, 1, 0, true, 64},
	{DETECT_STRICT, THREADS, 0, true, 3},
	{DETECT_DEFERRED, 1, 0, false, 1},
};

static void play_long(const struct way *w)
{
	play(12000, w->threads);
	CHECK(!w->maps || rows_counts.views_joined > 10);
	CHECK(!w->sample || (nsampled > 1000 / w->sample && nsampled < 20000 / w->sample));
	end_all();
	play(2000, w->threads);
	end_all();
}

static void blocks_keep_their_bytes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		in_child(&ways[i], play_long);
}

/* Where there are no mappings left the kernel is asked now and then, and blocks come from elsewhere meanwhile. */
static void play_scarce(const struct way *w)
{
	static void *p[2000];

	fail_every = 1;
	maps_scarce = true;
	for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = i % 2 ? engine_alloc(100, false, NULL) : engine_alloc_aligned(100, 64, NULL);
		CHECK(last_has(p[i]));
		memset(p[i], (int)i, 100);
	}
	CHECK(maps_asked >= 5 && maps_asked < 100);
	fail_every = 0;
	for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
		CHECK_EQ(*(uint8_t *)p[i], (uint8_t)i);
		CHECK(last_free(p[i]));
		p[i] = engine_alloc(100, false, NULL);
	}
	CHECK(!last_has(p[ARRAY_LEN(p) - 1]));
}

static void few_mappings_are_asked_for_seldom(void)
{
	in_child(&ways[0], play_scarce);
	in_child(&ways[4], play_scarce);
}

/* Where mappings are few, sizes in little use have whole chunks, too: less would take a part as well. */
static void play_parts(const struct way *w)
{
	while (!rows_counts.views_joined)
		short_malloc(200);
	for (unsigned c = 0; c < heap_class_count(); c++) {
		const struct view *v;

		if (c == heap_class_of(200))
			continue;
		v = (const struct view *)space_entry(vaddr_of(short_malloc(heap_class_size(c))));
		CHECK(v->geom->unit_pages > 1 || v->pages >= CHUNK_PAGES);
		CHECK(v->super && !view_is_private(v));
	}
}

static void few_mappings_are_of_whole_chunks(void)
{
	in_child(&(struct way){DETECT_DEFERRED, 1, 400, false, 0}, play_parts);
}

static unsigned every;

static void play_failing(const struct way *w)
{
	play(1000, w->threads);
	fail_every = every;
	play(2000, w->threads);
	fail_every = 0;
	play(1000, w->threads);
	CHECK(fail_count);
	end_all();
}

static void any_call_may_fail(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i += 2)
		for (every = 2; every < 20; every += 5)
			in_child(&ways[i], play_failing);
}

/* Both go on, and neither sees what the other writes. */
static void play_forked(const struct way *w)
{
	int status;

	play(3000, w->threads);
	owner_none_in++; /* another thread's free, in the parent only */
	block_source->fork_prepare(false);
	fflush(stdout);
	if (!fork()) {
		block_source->fork_child();
		again = false;
		CHECK_EQ(owners_taken, owner_mine != NULL);
		CHECK_EQ(owner_none_in, 0);
		seed ^= 4711;
		for (unsigned i = 0; i < STALE; i++)
			stale_check(&stale[i]);
		play(2000, 1);
		play(2000, w->threads);
		end_all();
		fflush(stdout);
		_exit(unit_failed_checks != 0);
	}
	block_source->fork_parent();
	owner_none_in--;
	play(3000, w->threads);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	end_all();
}

static void a_child_has_its_own(void)
{
	for (size_t i = 1; i < ARRAY_LEN(ways); i += 2)
		in_child(&ways[i], play_forked);
}

/* A thread that has one block of every size falls asleep; another works on. */
static void play_sleeper(const struct way *w)
{
	static struct blk mine[HEAP_CLASSES];
	uint32_t before;

	become(1);
	for (unsigned c = 0; c < heap_class_count(); c++) {
		mine[c] = (struct blk){.size = heap_class_size(c), .seed = c};
		mine[c].p = short_malloc(mine[c].size);
		see(mine[c].p);
		blk_fill(&mine[c]);
	}
	before = rows_counts.views_live;
	play(3000, 1);
	for (unsigned i = 0; i < 4; i++) {
		now += 100UL * 1000 * 1000;
		sweep(false);
	}
	for (unsigned c = 0; c < heap_class_count(); c++)
		CHECK(!((struct cursors *)thread[1])->cur[c].rest);
	CHECK(before >= heap_class_count());
	/* It wakes up. */
	become(1);
	for (unsigned c = 0; c < heap_class_count(); c++) {
		blk_check(&mine[c], mine[c].size);
		blk_drop(&mine[c]);
	}
	play(3000, w->threads);
	end_all();
}

static void sleepers_keep_nothing(void)
{
	in_child(&(struct way){DETECT_STRICT, THREADS, 0, true, 0}, play_sleeper);
	in_child(&(struct way){DETECT_DEFERRED, THREADS, 0, false, 0}, play_sleeper);
}

#define ENDING 12

struct ending {
	sem_t go, done;
	unsigned first; /* of live[] */
};

static void *ends(void *arg)
{
	struct ending *e = arg;

	sem_wait(&e->go);
	for (unsigned i = 0; i < 10; i++)
		blk_take(&live[e->first + i]);
	sem_post(&e->done);
	sem_wait(&e->go);
	return NULL;
}

static unsigned cursors_in_hand(const struct owner *but)
{
	unsigned n = 0;

	for (struct owner *o = owner_all; o; o = o->next)
		for (unsigned c = 0; c < HEAP_CLASSES && o != but; c++) {
			const struct cursor *cur = &((struct cursors *)o)->cur[c];

			n += cur->mask || cur->rest;
		}
	return n;
}

/* Threads that live at a time, and work and end one after the other; some of what they had lives on. */
static void play_ended(const struct way *w)
{
	static struct ending e[ENDING];
	pthread_t t[ENDING];

	owner_init();
	play(3000, 1);
	for (unsigned i = 0; i < LIVE; i++)
		if (live[i].p)
			blk_drop(&live[i]);
	for (unsigned i = 0; i < ENDING; i++) {
		e[i].first = i * 10;
		sem_init(&e[i].go, 0, 0);
		sem_init(&e[i].done, 0, 0);
		CHECK(!pthread_create(&t[i], NULL, ends, &e[i]));
		sem_post(&e[i].go);
		sem_wait(&e[i].done);
	}
	CHECK_EQ(owners_taken, 1 + ENDING);
	for (unsigned i = 0; i < ENDING; i++) {
		sem_post(&e[i].go);
		pthread_join(t[i], NULL);
	}
	CHECK_EQ(owners_taken, 1);
	CHECK(cursors_in_hand(owner_mine) > 0);
	block_source->fork_prepare(false);
	block_source->fork_parent();
	CHECK_EQ(cursors_in_hand(owner_mine), 0);
	play(3000, 1);
	end_all();
}

static void threads_that_ended_keep_nothing(void)
{
	in_child(&(struct way){DETECT_STRICT, THREADS, 0, true, 0}, play_ended);
	in_child(&(struct way){DETECT_DEFERRED, THREADS, 0, false, 0}, play_ended);
	in_child(&(struct way){DETECT_ADAPTIVE, THREADS, 0, false, 0}, play_ended);
}

/* What dies whole does so without a sweep; of what may not be remembered nothing is, dirty as it is left. */
static void play_spent(const struct way *w)
{
	struct sheet_counts sheets;
	struct block f;
	vaddr_t first;

	options.defer_frees = INT32_MAX;
	options.defer_bytes = 1UL << 40;
	options.defer_ms = 1UL << 30;
	mode_start();
	mode.dead_bytes = 0;
	first = vaddr_of(short_malloc(4000));
	short_free(vaddr_ptr(first));
	for (unsigned i = 0; i < 20 * SHEET_PAGES; i++)
		short_free(short_malloc(4000));
	sheet_count(&sheets);
	CHECK_EQ(sweeps, 0);
	CHECK((w->detect == DETECT_GROUPED ? sheets.retired : rows_counts.views_killed) > 8);
	block_find(first, &f);
	CHECK(f.state == BLOCK_DEAD && f.forgotten);
}

static void what_is_spent_dies_by_itself(void)
{
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_spent);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, false, 0}, play_spent);
}

/* A limit that the program has for all: a sixteenth of it, but for the least. */
static void play_limited(const struct way *w)
{
	size_t before = mode.dead_bytes;

	mode_limit(80UL << 20);
	CHECK_EQ(mode.dead_bytes, MIN(before, 5UL << 20));
	mode_limit(8UL << 20);
	CHECK_EQ(mode.dead_bytes, 4UL << 20);
}

static void the_dead_are_a_part_of_a_limit(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, true, 0}, play_limited);
}

/* The word of bits that the owner of the block at p clears, and the block's bit. */
static _Atomic uint64_t *owners_bit(void *p, uint64_t *bit)
{
	uintptr_t e = space_entry(vaddr_of(p));
	struct sheet *s = (struct sheet *)(e & ~SPACE_WHAT);
	struct view *v = (struct view *)e;
	uint32_t idx;

	if ((e & SPACE_WHAT) == SPACE_SHEET) {
		CHECK(sheet_slot(s, vaddr_of(p) - s->at.base, &idx));
	} else {
		CHECK(v->simple);
		idx = (uint32_t)((vaddr_of(p) - v->base) >> PAGE_SHIFT);
	}
	*bit = 1UL << (idx % 64);
	return (e & SPACE_WHAT) == SPACE_SHEET ? &s->live[idx / 64] : &v->live[idx / 64];
}

static bool others_die;

/*
 * One thread frees the block of another, whose own free has looked just before whether somebody did.
 * Each thinks that it was the first, and the next sweep tells: before the memory is anybody's.
 */
static void free_at_once(const struct way *w)
{
	static void *p[600];
	unsigned n = w->detect == DETECT_GROUPED ? ARRAY_LEN(p) : 100;
	_Atomic uint64_t *word;
	uint64_t bit;

	for (unsigned i = 0; i < n; i++)
		p[i] = short_malloc(4000);
	for (unsigned i = 0; others_die && i < n; i++)
		if (i != 3)
			short_free(p[i]);
	sweep(true); /* the next one is not due at once */
	word = owners_bit(p[3], &bit);
	become(1);
	short_free(p[3]);
	CHECK(!told_twice());
	CHECK(*word & bit);
	*word &= ~bit;
	sweep(true);
	CHECK_EQ(told_twice(), vaddr_of(p[3]));
	CHECK(is_dead(vaddr_of(p[3])));
}

/* Where that is to be told at once there is one bit, which all clear. */
static void free_one_bit(const struct way *w)
{
	void *p = short_malloc(4000);
	uint64_t bit;
	_Atomic uint64_t *word = owners_bit(p, &bit);

	CHECK(*word & bit);
	become(1);
	short_free(p);
	CHECK(!(*word & bit));
}

static void of_two_at_once_one_is_told(void)
{
	in_child(&(struct way){DETECT_STRICT, THREADS, 0, false, 0}, free_one_bit);
	in_child(&(struct way){DETECT_GROUPED, THREADS, 0, true, 0}, free_one_bit);
	for (int i = 0; i < 2; i++) {
		others_die = i;
		in_child(&(struct way){DETECT_DEFERRED, THREADS, 0, false, 0}, free_at_once);
		in_child(&(struct way){DETECT_GROUPED, THREADS, 0, false, 0}, free_at_once);
	}
}

/* Another thread's sweep, or the look at the end. */
static unsigned gaps;

static void look_in_gap(void)
{
	struct lock_section s;

	gaps++;
	lock_section_enter(&s);
	rows_look_late();
	lock_section_leave(&s);
}

/* What a kill at a free has emptied was not written to; what was, is told, zeros too. */
static void look_while_killed(const struct way *w)
{
	char *p[60];
	struct late l;

	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		memset(p[i] = short_malloc(100), 1, 100);
	for (unsigned i = 0; i < ARRAY_LEN(p) - 1; i++) {
		in_gap = look_in_gap;
		short_free(p[i]);
		CHECK(!late_take(&l));
	}
	in_gap = NULL;
	CHECK(gaps > 10);
	options.strict_share = 0;
	mode_start();
	short_free(p[ARRAY_LEN(p) - 1]);
	CHECK(!is_dead(vaddr_of(p[ARRAY_LEN(p) - 1])));
	memset(p[ARRAY_LEN(p) - 1], 0, 16);
	look_in_gap();
	CHECK(late_take(&l) && l.what == LATE_WRITE);
}

static void what_a_kill_empties_is_not_told(void)
{
	in_child(&(struct way){DETECT_ADAPTIVE, 1, 0, true, 0}, look_while_killed);
}

/* view_check ends a debug build where a bit is set out of order. */
static void break_released(const struct way *w)
{
	play(100, 1);
	view_released(views_live)[0] |= view_fresh(views_live)[0];
	view_check(views_live);
}

static void break_handed(const struct way *w)
{
	play(100, 1);
	views_live->handed = views_live->words + 1;
	view_check(views_live);
}

static void break_row(const struct way *w)
{
	play(100, 1);
	views_live->mortal.buried = true;
	view_check(views_live);
}

static void bits_are_watched(void)
{
	static const struct way way = {DETECT_DEFERRED, 1, 0, false, 0};
	void (*const breaks[])(const struct way *) = {break_released, break_handed, break_row};

	for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
		char said[300];
		int p[2], status;
		ssize_t n;

		CHECK_EQ(pipe(p), 0);
		if (!fork()) {
			dup2(p[1], 2);
			enter(&way);
			unit_section();
			breaks[i](&way);
			_exit(0);
		}
		close(p[1]);
		n = read(p[0], said, sizeof(said) - 1);
		said[n > 0 ? n : 0] = 0;
		close(p[0]);
		CHECK(wait(&status) > 0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		CHECK(strstr(said, "engine_test.c:"));
	}
}

int main(void)
{
	RUN(of_two_at_once_one_is_told);
	RUN(what_a_kill_empties_is_not_told);
	RUN(blocks_keep_their_bytes);
	RUN(any_call_may_fail);
	RUN(few_mappings_are_asked_for_seldom);
	RUN(few_mappings_are_of_whole_chunks);
	RUN(a_child_has_its_own);
	RUN(what_is_spent_dies_by_itself);
	RUN(the_dead_are_a_part_of_a_limit);
	RUN(sleepers_keep_nothing);
	RUN(threads_that_ended_keep_nothing);
	RUN(bits_are_watched);
	return UNIT_END();
}
