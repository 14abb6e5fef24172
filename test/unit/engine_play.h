// sources: src/rows/*.c src/pages/*.c src/malloc/engine.c src/malloc/last.c src/base/space.c src/base/sizes.c
// sources: src/base/block.c src/base/policy.c src/base/budget.c src/base/atonce.c src/base/poison.c
// sources: src/base/extable.c src/base/late.c src/base/pace.c src/base/mortal.c src/base/sweep.c src/base/livebits.c
// sources: src/base/mode.c src/base/owner.c src/base/threadend.c src/base/record.c src/base/stamp.c
// sources: src/malloc/short_alloc.c src/malloc/short_free.c src/base/meta.c src/base/lock.c src/base/panic.c
// sources: src/base/out.c src/base/vspace.c src/base/options.c src/base/options_env.c src/base/conf.c
// sources: src/base/conf_files.c src/base/glob.c src/base/log.c src/base/file.c src/base/memlimit.c
// sources: src/base/ownlimit.c
// flags: -DUD_DEBUG
/*
 * engine_play.h - random threads on both engines, one call at a time, and what is checked at each call.
 * Included once, by the test of the whole engine.
 *
 * Every address is given once; a block has its own bytes until it is freed, and what is read through a
 * stale address later is a fault or these bytes, never another block's.
 */
#ifndef ENGINE_PLAY_H
#define ENGINE_PLAY_H

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
static inline vaddr_t told_twice(void)
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

static inline unsigned long rnd(unsigned long n)
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

static inline void become(unsigned k)
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

static inline bool bit_set(uint64_t *bits, vaddr_t at)
{
	size_t i = (at - model_lo) / 16;
	bool was = bits[i / 64] >> (i % 64) & 1;

	page_of(at);
	bits[i / 64] |= 1UL << (i % 64);
	return was;
}

static inline unsigned char byte_of(const struct blk *b, size_t i)
{
	return (unsigned char)(1 + (b->seed + i * 31 + i / 256 * 7) % 255);
}

static inline size_t step_of(const struct blk *b)
{
	return b->size <= 256 ? 1 : 61 + b->size / 64;
}

static inline void blk_fill(const struct blk *b)
{
	for (size_t i = 0; i < b->size; i += step_of(b))
		b->p[i] = byte_of(b, i);
}

/* From `from` on only what is not there is a zero. */
static inline void blk_check(const struct blk *b, size_t n)
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
static inline bool is_poison(vaddr_t at)
{
	uint64_t w = poison_word(at & ~7UL);

	return mode.poison && *(unsigned char *)vaddr_ptr(at) == (w >> at % 8 * 8 & 0xff);
}

/* The reader. What the kernel refused to kill may have lost its bytes. */
static inline void stale_check(const struct blk *b)
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

static inline void find_check(const struct blk *b, enum block_state state)
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
static inline void see(const void *p)
{
	CHECK(!bit_set(seen, vaddr_of(p)));
}

static unsigned nsampled;

/* What is left of the addresses of a block that has pages of its own faults. */
static inline void behind_check(const struct blk *b)
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

static inline size_t any_size(void)
{
	unsigned long how = rnd(64);

	return rnd(how < 50 ? 300 : how < 58 ? 5000 : how < 63 ? 40000 : 700000);
}

static inline void blk_take(struct blk *b)
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

static inline void blk_drop(struct blk *b)
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

static inline void blk_resize(struct blk *b)
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
static inline void bad_frees(const struct blk *b)
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

static inline void sweep(bool all)
{
	struct lock_section s;

	lock_section_enter(&s);
	sweep_run(all);
	lock_section_leave(&s);
}

static inline void play(unsigned ops, unsigned threads)
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
static inline bool is_in_hand(vaddr_t at)
{
	bool in = false;

	for (struct owner *o = owner_all; o && mode.grouped; o = o->next)
		for (unsigned cls = 0; cls < PAGES_CLASSES; cls++)
			in |= ((struct cutter *)o)->in_page[cls] == ALIGN_DOWN(at, PAGE_SIZE);
	return in;
}

static inline void add_sheet(struct sheet **list, unsigned *n, struct sheet *s)
{
	for (unsigned i = 0; i < *n; i++)
		if (list[i] == s)
			return;
	list[(*n)++] = s;
}

/* Those that the owners have something of. */
static inline unsigned sheets_in_hand(void)
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
static inline void end_all(void)
{
	struct engine_bytes bytes;
	struct sheet_counts sheets;
	uint64_t holes = 0;

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
	for (const struct sheet *s = sheets_living(); s; s = s->next)
		for (unsigned w = 0; w < SHEET_WORDS; w++)
			holes += (unsigned)__builtin_popcountl(s->killed[w]);
	CHECK_EQ(pages_swept.holes, holes);
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

static inline void enter(const struct way *w)
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

static inline struct sheet *sheet_at(void *p)
{
	return (struct sheet *)(space_entry(vaddr_of(p)) & ~SPACE_WHAT);
}

/* In a process of its own, for it is set up once. After a failure the others are not tried. */
static inline void in_child(const struct way *w, void (*fn)(const struct way *))
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

#endif
