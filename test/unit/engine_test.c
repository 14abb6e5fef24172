// sources: src/rows/*.c src/pages/*.c src/malloc/engine.c src/malloc/last.c src/base/space.c src/base/block.c src/base/policy.c src/base/budget.c src/base/atonce.c src/base/poison.c src/base/extable.c src/base/late.c src/base/pace.c src/base/livebits.c src/base/mode.c src/base/owner.c src/base/threadend.c src/base/record.c src/base/stamp.c src/malloc/short_alloc.c src/malloc/short_free.c src/base/meta.c src/base/lock.c src/base/panic.c src/base/out.c src/base/vspace.c src/base/options.c src/base/options_env.c src/base/conf.c src/base/conf_files.c src/base/glob.c src/base/log.c src/base/file.c src/base/memlimit.c
// flags: -DUD_DEBUG -Wno-unused-result
/*
 * Both engines on a model of the host, in all its modes: random threads, one call at a time.
 *
 * Every address is given once; a block has its own bytes until it is freed, and what is read
 * through a stale address later is a fault or these bytes, never another block's. That holds when
 * any call to the host fails, and in the child of a fork.
 */
#include "engine_model.h"
#include "malloc/malloc.h"
#include "malloc/otherlibc.h"
#include "malloc/metrics.h"
#include "rows/census.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/single_threaded.h>
#include <sys/wait.h>

/* What the engine has from others. */
const struct kvm_heap *kvm_heap;
static jmp_buf bad_free;
static vaddr_t bad_at;
static uint64_t now = 1UL << 40;

void start(void)
{
}

bool otherlibc_has(const void *p, size_t *size)
{
	return false;
}

void report_bad_free(void *p, const char *call, void *frame)
{
	bad_at = vaddr_of(p);
	longjmp(bad_free, 1);
}

void report_written(const struct late *l, const char *when)
{
	CHECK_EQ(l->at, 0); /* the model writes to no dead block */
}

/* What a sweep found freed twice; or 0. */
static vaddr_t told_twice(void)
{
	struct late l;

	if (!late_take(&l))
		return 0;
	CHECK_EQ(l.what, LATE_TWICE);
	return l.at;
}

uint32_t stack_capture(void *frame)
{
	return 77;
}

uint64_t clock_ns(void)
{
	return now += 1000;
}

void metrics_forked(void)
{
}

void altstack_enter(void)
{
}

bool altstack_lend(stack_t *was)
{
	return false;
}

void altstack_return(const stack_t *was)
{
}

static unsigned long seed;

static unsigned long rnd(unsigned long n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* A thread is its owner here. */
#define THREADS 4
static struct owner *thread[THREADS];
static unsigned me;

static void become(unsigned k)
{
	thread[me] = owner_mine;
	me = k;
	owner_mine = thread[me];
}

struct blk {
	unsigned char *p;
	size_t size;
	unsigned seed;
};

#define LIVE  1500
#define STALE 3000
static struct blk live[LIVE], stale[STALE];
/* A bit per 16 bytes of addresses: was given; was freed once more, which was told. */
static uint64_t seen[MODEL_PAGES / 64 * (PAGE_SIZE / 16)],
	told[MODEL_PAGES / 64 * (PAGE_SIZE / 16)];

static bool bit_set(uint64_t *bits, vaddr_t at)
{
	size_t i = (at - model_lo) / 16;
	bool was = bits[i / 64] >> (i % 64) & 1;

	page_of(at);
	bits[i / 64] |= 1UL << (i % 64);
	return was;
}

static unsigned char byte_of(const struct blk *b, size_t i)
{
	return (unsigned char)(1 + (b->seed + i * 31 + i / 256 * 7) % 255);
}

static size_t step_of(const struct blk *b)
{
	return b->size <= 256 ? 1 : 61 + b->size / 64;
}

static void blk_fill(const struct blk *b)
{
	for (size_t i = 0; i < b->size; i += step_of(b))
		b->p[i] = byte_of(b, i);
}

/* From `from` on only what is not there is a zero. */
static void blk_check(const struct blk *b, size_t n)
{
	unsigned wrong = 0, missing = 0;

	for (size_t i = 0; i < n; i += step_of(b)) {
		missing += is_dead(vaddr_of(b->p + i));
		wrong += b->p[i] != byte_of(b, i);
	}
	CHECK_EQ(missing, 0);
	CHECK_EQ(wrong, 0);
}

/* What rows fill a block with until it dies. */
static bool is_poison(vaddr_t at)
{
	uint64_t w = poison_word(at & ~7UL);

	return mode.poison && *(unsigned char *)vaddr_ptr(at) == (w >> at % 8 * 8 & 0xff);
}

/* The reader. What the kernel refused to kill may have lost its bytes. */
static void stale_check(const struct blk *b)
{
	for (size_t i = 0; b->p && i < b->size; i += step_of(b)) {
		vaddr_t at = vaddr_of(b->p + i);

		if (is_dead(at))
			continue;
		CHECK(!mode.strict || fail_count);
		if (!is_poison(at) && (shows[page_of(at)] != PRIVATE || b->p[i]))
			CHECK_EQ(b->p[i], byte_of(b, i));
	}
}

static void find_check(const struct blk *b, enum block_state state)
{
	struct block f;

	block_find(vaddr_of(b->p) + (b->size ? rnd(b->size) : 0), &f);
	CHECK_EQ(f.state, state);
	if (state != BLOCK_LIVE)
		return;
	CHECK_EQ(f.base, vaddr_of(b->p));
	CHECK(f.size >= b->size && (!mode.records || f.size == b->size));
}

/* Nothing of it was ever given. */
static void see(const void *p)
{
	CHECK(!bit_set(seen, vaddr_of(p)));
}

static unsigned nsampled;

/* What is left of the addresses of a block that has pages of its own faults. */
static void behind_check(const struct blk *b)
{
	uintptr_t e = space_entry(vaddr_of(b->p));
	const struct large *l = (const struct large *)(e & ~SPACE_WHAT);

	if ((e & SPACE_WHAT) != SPACE_LARGE || fail_count)
		return;
	CHECK(l->len >= b->size && l->len - b->size < 2 * PAGE_SIZE);
	for (vaddr_t at = l->base + l->len + (l->sampled ? PAGE_SIZE : 0); at < l->base + l->room;
		at += PAGE_SIZE)
		CHECK(is_dead(at));
	if (!l->sampled)
		return;
	nsampled++;
	CHECK(is_dead(l->base) && !is_dead(l->base + PAGE_SIZE));
	CHECK_EQ(l->size, b->size);
}

static size_t any_size(void)
{
	unsigned long how = rnd(64);

	return rnd(how < 50 ? 300 : how < 58 ? 5000 : how < 63 ? 40000 : 700000);
}

static void blk_take(struct blk *b)
{
	size_t align = 16;

	*b = (struct blk){.size = any_size(), .seed = (unsigned)rnd(1UL << 20)};
	switch (rnd(8)) {
	case 0:
		b->p = short_alloc(b->size, true, NULL);
		for (size_t i = 0; b->p && i < b->size; i++)
			if (b->p[i]) {
				CHECK_EQ(b->p[i], 0);
				break;
			}
		break;
	case 1:
		align = 16UL << rnd(rnd(8) ? 9 : 17);
		b->p = alloc_aligned(b->size, align, NULL);
		break;
	default:
		b->p = short_malloc(b->size);
	}
	CHECK(b->p || fail_count);
	if (!b->p)
		return;
	CHECK_EQ(vaddr_of(b->p) % align, 0);
	see(b->p);
	blk_fill(b);
	find_check(b, BLOCK_LIVE);
	behind_check(b);
}

static void blk_drop(struct blk *b)
{
	struct blk *s = &stale[rnd(STALE)];

	blk_check(b, b->size);
	/* It is freed; a sweep may find meanwhile what was told already, for here nobody ends by
	 * it. */
	if (!setjmp(bad_free))
		short_free(b->p);
	else
		CHECK(bad_at != vaddr_of(b->p) && bit_set(told, bad_at));
	stale_check(s);
	*s = *b;
	stale_check(s);
	find_check(s, BLOCK_DEAD);
	b->p = NULL;
}

static void blk_resize(struct blk *b)
{
	size_t usable, size = any_size() + 1;
	struct blk was = *b;
	void *q;

	blk_check(b, b->size);
	usable = engine_usable(b->p);
	CHECK(usable >= b->size);
	CHECK(engine_realloc(b->p, size, NULL, &q));
	CHECK(q || fail_count);
	if (!q)
		return;
	b->p = q;
	if (q != was.p) {
		struct blk *s = &stale[rnd(STALE)];

		see(q);
		*s = was;
		stale_check(s);
		find_check(s, BLOCK_DEAD);
	}
	blk_check(b, MIN(was.size, size));
	b->size = size;
	blk_fill(b);
	blk_check(b, size);
	behind_check(b);
}

/* Whatever is no live block's start. */
static void bad_frees(const struct blk *b)
{
	const struct blk *s = &stale[rnd(STALE)];
	volatile unsigned said = 0;
	volatile unsigned n = 0;
	unsigned char *p[] = {s->p, b->p + 8, b->p + b->size / 2 + 1};

	for (; n < ARRAY_LEN(p); n++) {
		if (!p[n] || p[n] == b->p) {
			said++;
		} else if (setjmp(bad_free)) {
			bit_set(told, bad_at);
			said += bad_at == vaddr_of(p[n]);
		} else {
			short_free(p[n]);
		}
	}
	CHECK_EQ(said, ARRAY_LEN(p));
	find_check(b, BLOCK_LIVE);
}

static void sweep(bool all)
{
	struct lock_section s;

	lock_section_enter(&s);
	if (options.detect == DETECT_GROUPED)
		pages_sweep(all);
	else
		sweep_run(all);
	lock_section_leave(&s);
}

static void play(unsigned ops, unsigned threads)
{
	for (unsigned i = 0; i < ops; i++) {
		struct blk *b = &live[rnd(LIVE)];
		unsigned long what = rnd(64);

		become((unsigned)rnd(threads));
		if (!b->p)
			blk_take(b);
		else if (what < 4)
			blk_resize(b);
		else if (what < 6)
			bad_frees(b);
		else
			blk_drop(b);
		if (what == 63) {
			now += 50UL * 1000 * 1000; /* a look at the threads each time */
			sweep(rnd(8) == 0);
		}
	}
}

/* A page from which objects are still to be handed out. */
static bool is_in_hand(vaddr_t at)
{
	bool in = false;

	for (struct owner *o = owner_all; o && mode.grouped; o = o->next)
		for (unsigned cls = 0; cls < PAGES_CLASSES; cls++)
			in |= ((struct cutter *)o)->in_page[cls] == ALIGN_DOWN(at, PAGE_SIZE);
	return in;
}

static void add_sheet(struct sheet **list, unsigned *n, struct sheet *s)
{
	for (unsigned i = 0; i < *n; i++)
		if (list[i] == s)
			return;
	list[(*n)++] = s;
}

/* Those that the owners have something of. */
static unsigned sheets_in_hand(void)
{
	static struct sheet *list[(THREADS + 2) * (2 * SUPPLIES + PAGES_CLASSES)];
	unsigned n = 0;

	for (struct owner *o = owner_all; o; o = o->next) {
		const struct cutter *c = (struct cutter *)o;

		for (unsigned i = 0; i < SUPPLIES; i++) {
			if (c->supply[i].rest)
				add_sheet(list, &n, c->supply[i].rest);
			if (c->supply[i].at < c->supply[i].lim)
				add_sheet(list, &n, c->supply[i].in);
		}
		for (unsigned cls = 0; cls < PAGES_CLASSES; cls++) {
			uintptr_t e = space_entry(c->in_page[cls]);

			if (c->bump[cls].next < bump_page_end(c, cls))
				add_sheet(list, &n, (struct sheet *)(e & ~SPACE_WHAT));
		}
	}
	return n;
}

/* All is freed, and dies: nothing is left but what cursors have in hand. */
static void end_all(void)
{
	struct engine_bytes bytes;
	struct sheet_counts sheets;

	for (unsigned i = 0; i < LIVE; i++)
		if (live[i].p)
			blk_drop(&live[i]);
	for (unsigned i = 0; i < 20; i++) {
		now += 100UL * 1000 * 1000;
		sweep(true);
	}
	for (unsigned i = 0; i < STALE; i++) {
		stale_check(&stale[i]);
		if (stale[i].p && !fail_count)
			CHECK(is_dead(vaddr_of(stale[i].p)) || is_in_hand(vaddr_of(stale[i].p)));
	}
	if (fail_count)
		return;
	/* Nobody has allocated for twenty looks. */
	for (struct owner *o = owner_all; o && !mode.grouped; o = o->next)
		for (unsigned c = 0; c < HEAP_CLASSES; c++)
			CHECK(!((struct cursors *)o)->cur[c].rest);
	engine_bytes(&bytes);
	CHECK_EQ(bytes.large_live, 0);
	CHECK_EQ(bytes.large, 0);
	sheet_count(&sheets);
	CHECK_EQ(sheets.live, mode.grouped ? sheets_in_hand() : 0);
	CHECK_EQ(rows_counts.views_made - rows_counts.views_killed, rows_counts.views_live);
}

struct way {
	unsigned detect, threads, maps;
	bool stacks;
	unsigned sample;
};

static void enter(const struct way *w)
{
	/* As in production; with stacks, as in a test's profile. */
	bool production = w->detect == DETECT_GROUPED && !w->stacks;

	options_default(&options);
	options_finish(&options);
	options.quiet = true;
	options.detect = w->detect;
	options.stacks = w->stacks;
	options.maps = w->maps;
	options.strict_share = !production; /* a part of what is freed here dies at once */
	options.poison = !production;
	options.sample = w->sample;
	options.explicit = 1UL << OPTION_NTH_sample;
	options.defer_frees = 1000;
	options.defer_bytes = 1UL << 20;
	options.defer_ms = 1000;
	joined_chunks = w->maps ? 8 : 1;
	__libc_single_threaded = w->threads == 1;
	model_init();
	engine_start();
	seed = 88172645463325252UL + w->detect + w->threads;
}

/* In a process of its own, for it is set up once. After a failure the others are not tried. */
static void in_child(const struct way *w, void (*fn)(const struct way *))
{
	static bool failed;
	int status;

	CHECK(!failed);
	if (failed)
		return;
	fflush(stdout);
	if (!fork()) {
		enter(w);
		fn(w);
		fflush(stdout);
		_exit(unit_failed_checks != 0);
	}
	CHECK(wait(&status) > 0);
	if (status)
		printf("# detect %u, threads %u, maps %u, stacks %u, sample %u: status %#x\n",
			w->detect, w->threads, w->maps, w->stacks, w->sample, (unsigned)status);
	CHECK_EQ(status, 0);
	failed = status;
}

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
	block_source->fork_prepare(false);
	fflush(stdout);
	if (!fork()) {
		block_source->fork_child();
		again = false;
		CHECK_EQ(owners_taken, owner_mine != NULL);
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

static void large_blocks_serve_again(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, true, 0}, play_replaced);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_replaced);
}

static void large_blocks_grow(void)
{
	in_child(&(struct way){DETECT_STRICT, 1, 0, true, 0}, play_large);
	in_child(&(struct way){DETECT_DEFERRED, 1, 0, false, 0}, play_large);
}

static bool is_in_huge(void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));

	if ((e & SPACE_WHAT) == SPACE_SHEET)
		return ((struct sheet *)(e & ~SPACE_WHAT))->huge;
	return view_is_huge((struct view *)e);
}

/* The first kill in 2 MB that are one huge page is charged for all their pages, and no other kill. */
static void play_split(const struct way *w)
{
	static void *p[4 * SHEET_PAGES];
	const uint64_t most = budget_cost(0, UINT64_MAX);
	uint64_t before = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		p[i] = short_malloc(PAGE_SIZE - 96);
	for (unsigned i = 0; i < ARRAY_LEN(p) && n < 3; i++) {
		if (!n && !is_in_huge(p[i]))
			continue;
		before = atonce_counts.ns;
		short_free(p[i]);
		n++;
		CHECK(is_dead(vaddr_of(p[i])));
		CHECK_EQ(touches_asked, CHUNK_PAGES - 1);
		CHECK(n > 1 || atonce_counts.ns - before >= (uint64_t)most);
	}
	CHECK_EQ(n, 3);
}

static void splits_are_charged(void)
{
	in_child(&(struct way){DETECT_ADAPTIVE, 1, 0, false, 0}, play_split);
	in_child(&(struct way){DETECT_GROUPED, 1, 0, true, 0}, play_split);
}

/* The word of bits that the owner of the block at p clears, and the block's bit. */
static _Atomic uint64_t *owners_bit(void *p, uint64_t *bit)
{
	uintptr_t e = space_entry(vaddr_of(p));
	struct sheet *s = (struct sheet *)(e & ~SPACE_WHAT);
	struct view *v = (struct view *)e;
	uint32_t idx;

	if ((e & SPACE_WHAT) == SPACE_SHEET) {
		CHECK(sheet_slot(s, vaddr_of(p) - s->base, &idx));
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

static void of_two_at_once_one_is_told(void)
{
	for (int i = 0; i < 2; i++) {
		others_die = i;
		in_child(&(struct way){DETECT_DEFERRED, THREADS, 0, false, 0}, free_at_once);
		in_child(&(struct way){DETECT_GROUPED, THREADS, 0, false, 0}, free_at_once);
	}
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

static void break_state(const struct way *w)
{
	play(100, 1);
	views_live->state = VIEW_DEAD;
	view_check(views_live);
}

static void bits_are_watched(void)
{
	static const struct way way = {DETECT_DEFERRED, 1, 0, false, 0};
	void (*const breaks[])(const struct way *) = {break_released, break_handed, break_state};

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
	RUN(whole_sheets_move);
	RUN(of_two_at_once_one_is_told);
	RUN(splits_are_charged);
	RUN(large_blocks_serve_again);
	RUN(large_blocks_grow);
	RUN(blocks_keep_their_bytes);
	RUN(any_call_may_fail);
	RUN(a_child_has_its_own);
	RUN(sleepers_keep_nothing);
	RUN(threads_that_ended_keep_nothing);
	RUN(bits_are_watched);
	return UNIT_END();
}
