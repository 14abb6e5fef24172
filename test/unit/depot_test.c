// sources: src/trace/depot.c src/base/log.c src/base/file.c src/base/out.c
/*
 * depot_test.c - what was put comes back, whatever it shares with others, from several threads,
 * in signal handlers; and it does share.
 */
#include "trace/depot.h"
#include "base/options.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

struct options options;

#define FRAMES STACK_MAX

static uint64_t hash_of(const uintptr_t *pc, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = depot_hash(h, pc[i]);
	return h;
}

/* A thread's call stack, outermost first, that random calls and returns change. */
struct walker {
	uint64_t seed;
	uintptr_t frame[200];
	size_t depth, was; /* now, and at the last put */
	size_t kept;	   /* frames from the outside that no return touched since */
	uint32_t last;
};

static uint32_t roll(struct walker *w)
{
	w->seed = w->seed * 6364136223846793005UL + 1442695040888963407UL;
	return (uint32_t)(w->seed >> 33);
}

static void wander(struct walker *w, size_t deepest)
{
	size_t back = roll(w) % 4, calls = roll(w) % 4;

	if (roll(w) % 64 == 0)
		back = w->depth;
	if (roll(w) % 64 == 1)
		back = 60;
	if (roll(w) % 64 == 2)
		calls = deepest;
	w->depth -= back < w->depth ? back : w->depth;
	w->kept = w->depth < w->kept ? w->depth : w->kept;
	while ((calls-- || !w->depth) && w->depth < deepest)
		w->frame[w->depth++] = 0x400000 + roll(w) % 12 * 16;
}

/* Puts the inner frames as stack.c does. Returns how many; they are in pc. */
static size_t put(struct walker *w, uintptr_t *pc, uint32_t *id)
{
	size_t n = w->depth < FRAMES ? w->depth : FRAMES;
	struct depot_near near = {
		w->last, (uint32_t)(w->depth - w->kept), (uint32_t)(w->was - w->kept)};

	for (size_t i = 0; i < n; i++)
		pc[i] = w->frame[w->depth - 1 - i];
	*id = depot_put(pc, n, hash_of(pc, n), roll(w) % 50 ? &near : NULL);
	w->last = *id;
	w->was = w->kept = w->depth;
	return n;
}

static bool comes_back(uint32_t id, const uintptr_t *pc, size_t n)
{
	uintptr_t got[FRAMES + 1];

	return depot_get(id, got, FRAMES) == n && !memcmp(got, pc, n * sizeof(*pc)) &&
	       depot_get(id, got, n / 2) == n / 2 && !memcmp(got, pc, n / 2 * sizeof(*pc)) &&
	       depot_find(hash_of(pc, n), n) != 0;
}

#define ROUNDS 20000

static void *walk_and_put(void *arg)
{
	static __thread struct {
		uintptr_t pc[FRAMES];
		size_t n;
		uint32_t id;
	} all[ROUNDS];
	struct walker w = {.seed = (uintptr_t)arg};
	size_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		wander(&w, i % 2000 < 1000 ? 30 : 150);
		all[i].n = put(&w, all[i].pc, &all[i].id);
		bad += !comes_back(all[i].id, all[i].pc, all[i].n);
	}
	for (int i = 0; i < ROUNDS; i++)
		bad += !comes_back(all[i].id, all[i].pc, all[i].n);
	CHECK_EQ(bad, 0);
	return NULL;
}

static void alone(void)
{
	walk_and_put((void *)1);
}

/* Each thread walks its own: one may handle the next alarm while another has not done with this. */
static __thread struct walker handler_walker = {.seed = 99};
static _Atomic int handled, handled_bad;

static void on_alarm(int sig)
{
	uintptr_t pc[FRAMES];
	uint32_t id;
	size_t n;

	wander(&handler_walker, 60);
	n = put(&handler_walker, pc, &id);
	handled_bad += !comes_back(id, pc, n);
	handled++;
}

static void threads_and_signals(void)
{
	struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
	pthread_t t[4];

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, walk_and_put, (void *)(i / 2 + 5)); /* two alike */
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(handled > 0);
	CHECK_EQ(handled_bad, 0);
}

static void once_each(void)
{
	uintptr_t pc[3] = {0x7000, 0x7010, 0x7020};
	uint32_t a = depot_put(pc, 3, hash_of(pc, 3), NULL);
	size_t before = depot_bytes();

	CHECK(a != 0);
	CHECK_EQ(depot_put(pc, 3, hash_of(pc, 3), NULL), a);
	CHECK_EQ(depot_find(hash_of(pc, 3), 3), a);
	CHECK_EQ(depot_bytes(), before);
	CHECK_EQ(depot_put(pc, 0, 1, NULL), 0);
	CHECK_EQ(depot_get(0, pc, 3), 0);
	CHECK_EQ(depot_get(0x7fffffff, pc, 3), 0);
}

/* 40 frames of which one is new: 16 bytes and the frame, not 336. */
static void shares(void)
{
	struct walker w = {.seed = 3, .depth = 40};
	uintptr_t pc[FRAMES];
	size_t before;
	uint32_t id;

	for (int i = 0; i < 40; i++)
		w.frame[i] = 0x500000 + i;
	w.kept = 0;
	depot_put(w.frame, 0, 0, NULL);
	put(&w, pc, &id);
	before = depot_bytes();
	for (int i = 0; i < 400; i++) {
		size_t n = 40;
		struct depot_near near = {id, 1, 1};

		pc[0] = 0x600000 + i;
		id = depot_put(pc, n, hash_of(pc, n), &near);
		CHECK(comes_back(id, pc, n));
	}
	CHECK_EQ(depot_bytes() - before, 400 * 32);
}

/* Those of the tables before are found in each larger one, and the last is as large as they are many. */
static void tables_grow(void)
{
	enum { MANY = 30000 };
	static uint32_t id[MANY];
	size_t before = depot_bytes();
	bool same = true;

	for (uintptr_t i = 0; i < MANY; i++) {
		uintptr_t pc[1] = {0x700000 + i};

		id[i] = depot_put(pc, 1, hash_of(pc, 1), NULL);
	}
	for (uintptr_t i = 0; i < MANY; i++) {
		uintptr_t pc[1] = {0x700000 + i};

		same = same && id[i] && depot_find(hash_of(pc, 1), 1) == id[i] &&
		       depot_put(pc, 1, hash_of(pc, 1), NULL) == id[i] && comes_back(id[i], pc, 1);
	}
	CHECK(same);
	/* 16 bytes and a frame each, and the table, which is no more than half full */
	CHECK(depot_bytes() - before > MANY * (32 + 8) &&
		depot_bytes() - before < MANY * (32 + 40));
}

int main(void)
{
	RUN(once_each);
	RUN(shares);
	RUN(tables_grow);
	RUN(alone);
	RUN(threads_and_signals);
	return UNIT_END();
}
