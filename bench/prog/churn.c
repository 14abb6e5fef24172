/*
 * churn.c - four allocator patterns known from the literature, written anew; sizes, numbers of
 * blocks and how much of them is touched follow the suite that made each one known
 * (mimalloc-bench): alloc-test   one thread; 2^18 slots, most picks among few of them (80/20, six
 * times over); a pick allocates or frees; half of the blocks <= 8 bytes, a quarter <= 16, ... 1 KB;
 *                written whole when made, read whole before the free
 *   larson       THREADS servers, each replaces random blocks of 8..1000 bytes among 5000; tables
 *                are handed to a successor, so that its frees are remote
 *   mstress      THREADS, mixed sizes to 16 KB, kept, swapped through a shared table, dropped;
 *                written whole, and checked when freed
 *   xmalloc      producers allocate 64-byte blocks in batches, consumers free them: every free is
 *                remote
 * Usage: churn PATTERN THREADS OPERATIONS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long ops;
static int nthreads;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void *block(size_t n)
{
	char *p = malloc(n);

	if (!p)
		abort();
	p[0] = (char)n;
	p[n - 1] = (char)n;
	return p;
}

/* Sizes as programs have them: mostly small, a tail of larger ones. */
static size_t mixed_size(uint64_t r)
{
	if (r % 100 < 80)
		return 16 + (r >> 8) % 112;
	if (r % 100 < 97)
		return 128 + (r >> 8) % 896;
	return 1024 + (r >> 8) % 15360;
}

/* Half of all up to 8 bytes, a quarter to 16, and so on to 1 KB. */
static size_t halving_size(uint64_t r)
{
	unsigned e = (unsigned)__builtin_ctzl((r & 127) + 1) + 2;

	return ((r >> 8) & ((1UL << e) - 1)) + 1 + (1UL << e);
}

/* A slot: 80 % of picks from 20 % of the slots, six times over. */
static size_t pareto(uint64_t *s, size_t n)
{
	size_t first = 0;

	for (int level = 0; level < 6; level++) {
		size_t hot = n / 5;

		if (rnd(s) % 5 == 0)
			return first + hot + rnd(s) % (n - hot);
		n = hot;
	}
	return first + rnd(s) % n;
}

static void *alloc_test(void *arg)
{
	enum { SLOTS = 1 << 18 };
	struct {
		unsigned char *p;
		size_t n;
	} *t = calloc(SLOTS, sizeof(*t)), *b;
	uint64_t s = 88172645463325252ULL + (uintptr_t)arg;
	unsigned sum = 0;

	for (long i = -SLOTS; i < ops; i++) {
		b = i < 0 ? &t[i + SLOTS] : &t[pareto(&s, SLOTS)];
		if (i < 0 && rnd(&s) % 2)
			continue;
		if (b->p) {
			for (size_t k = 0; k < b->n; k++)
				sum += b->p[k];
			free(b->p);
			b->p = NULL;
		} else {
			b->n = halving_size(rnd(&s));
			b->p = block(b->n);
			memset(b->p, (int)b->n, b->n);
		}
	}
	for (int i = 0; i < SLOTS; i++)
		free(t[i].p);
	free(t);
	return (void *)(uintptr_t)sum;
}

struct server {
	void *slot[5000];
	uint64_t seed;
	long left;
};

static void *larson(void *arg)
{
	struct server *sv = arg;
	pthread_t next;
	long n = ops / 20 < sv->left ? ops / 20 : sv->left;

	for (long i = 0; i < n; i++) {
		uint64_t r = rnd(&sv->seed);
		void **p = &sv->slot[r % 5000];

		free(*p);
		*p = block(8 + (r >> 32) % 993);
	}
	sv->left -= n;
	if (sv->left > 0) { /* the successor inherits the table: its frees are remote */
		pthread_create(&next, NULL, larson, sv);
		pthread_join(next, NULL);
	}
	return NULL;
}

static _Atomic(void *) shared[4096];

/* Words that say how many they are, so that a lost or shared one is seen. */
static void *words(size_t size, uint64_t tag)
{
	size_t n = (size + 7) / 8;
	uint64_t *p = block(n * 8);

	for (size_t i = 0; i < n; i++)
		p[i] = (n - i) << 32 | (tag & 0xffff);
	return p;
}

static void words_free(void *block)
{
	uint64_t *p = block;

	if (p)
		for (uint64_t n = p[0] >> 32, tag = p[0] & 0xffff; n; n--)
			if (*p++ != (n << 32 | tag))
				abort();
	free(block);
}

static void *mstress(void *arg)
{
	enum { KEEP = 20000 };
	void **keep = calloc(KEEP, sizeof(*keep));
	uint64_t s = 1234567 * ((uintptr_t)arg + 1);

	for (long i = 0; i < ops; i++) {
		uint64_t r = rnd(&s);
		void *p = words(mixed_size(r >> 3), r);

		if (r % 4 == 0)
			p = atomic_exchange(&shared[(r >> 40) % 4096], p);
		if (p) {
			void **k = &keep[(r >> 20) % KEEP];

			words_free(*k);
			*k = p;
		}
		if (i % 100000 == 99999)
			for (int k = 0; k < KEEP; k += 2) {
				words_free(keep[k]);
				keep[k] = NULL;
			}
	}
	for (int k = 0; k < KEEP; k++)
		words_free(keep[k]);
	free(keep);
	return NULL;
}

enum { BATCH = 1024, QUEUE = 16 };
struct batch {
	void *p[BATCH];
};
static struct batch *queue[QUEUE];
static int head, count, producers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *xmalloc_produce(void *arg)
{
	for (long i = 0; i < ops / BATCH; i++) {
		struct batch *b = block(sizeof(*b));

		for (int k = 0; k < BATCH; k++)
			b->p[k] = memset(block(64), k, 64);
		pthread_mutex_lock(&lock);
		while (count == QUEUE)
			pthread_cond_wait(&changed, &lock);
		queue[(head + count++) % QUEUE] = b;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	producers--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return arg;
}

static void *xmalloc_consume(void *arg)
{
	for (;;) {
		struct batch *b = NULL;

		pthread_mutex_lock(&lock);
		while (!count && producers)
			pthread_cond_wait(&changed, &lock);
		if (count) {
			b = queue[head];
			head = (head + 1) % QUEUE;
			count--;
			pthread_cond_broadcast(&changed);
		}
		pthread_mutex_unlock(&lock);
		if (!b)
			return arg;
		for (int k = 0; k < BATCH; k++)
			free(b->p[k]);
		free(b);
	}
}

static void run(void *(*odd)(void *), void *(*even)(void *), void *args[])
{
	pthread_t t[64];

	for (int i = 0; i < nthreads; i++)
		pthread_create(
			&t[i], NULL, i % 2 ? odd : even, args ? args[i] : (void *)(uintptr_t)i);
	for (int i = 0; i < nthreads; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	void *servers[64];

	nthreads = argc > 3 ? atoi(argv[2]) : 1;
	ops = argc > 3 ? atol(argv[3]) : 0;
	if (nthreads < 1 || nthreads > 64)
		return 2;
	for (int i = 0; i < nthreads; i++) {
		struct server *sv = calloc(1, sizeof(*sv));

		sv->seed = 77777 + (unsigned)i;
		sv->left = ops;
		servers[i] = sv;
	}
	producers = (nthreads + 1) / 2;
	if (!strcmp(what, "alloc-test"))
		run(alloc_test, alloc_test, NULL);
	else if (!strcmp(what, "larson"))
		run(larson, larson, servers);
	else if (!strcmp(what, "mstress"))
		run(mstress, mstress, NULL);
	else if (!strcmp(what, "xmalloc"))
		run(xmalloc_consume, xmalloc_produce, NULL);
	else
		return 2;
	puts("done");
	return 0;
}
