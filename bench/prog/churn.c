/*
 * churn.c - four allocator patterns known from the literature, written anew:
 *   alloc-test   one thread, random sizes 16..1000, random replacement in a table
 *   larson       THREADS servers, each replaces random blocks, tables handed to a successor
 *   mstress      THREADS, blocks of mixed sizes kept, swapped through a shared table, dropped
 *   xmalloc      producers allocate batches, consumers free them (every free is remote)
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

static void *alloc_test(void *arg)
{
	enum { SLOTS = 10000 };
	void **t = calloc(SLOTS, sizeof(*t));
	uint64_t s = 88172645463325252ULL + (uintptr_t)arg;

	for (long i = 0; i < ops; i++) {
		uint64_t r = rnd(&s);
		void **p = &t[r % SLOTS];

		free(*p);
		*p = block(16 + (r >> 32) % 984);
	}
	for (int i = 0; i < SLOTS; i++)
		free(t[i]);
	free(t);
	return NULL;
}

struct server {
	void *slot[1000];
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
		void **p = &sv->slot[r % 1000];

		free(*p);
		*p = block(16 + (r >> 32) % 500);
	}
	sv->left -= n;
	if (sv->left > 0) { /* the successor inherits the table: its frees are remote */
		pthread_create(&next, NULL, larson, sv);
		pthread_join(next, NULL);
	}
	return NULL;
}

static _Atomic(void *) shared[4096];

static void *mstress(void *arg)
{
	enum { KEEP = 20000 };
	void **keep = calloc(KEEP, sizeof(*keep));
	uint64_t s = 1234567 * ((uintptr_t)arg + 1);

	for (long i = 0; i < ops; i++) {
		uint64_t r = rnd(&s);
		void *p = block(mixed_size(r >> 3));

		if (r % 4 == 0)
			p = atomic_exchange(&shared[(r >> 40) % 4096], p);
		if (p) {
			void **k = &keep[(r >> 20) % KEEP];

			free(*k);
			*k = p;
		}
		if (i % 100000 == 99999)
			for (int k = 0; k < KEEP; k += 2) {
				free(keep[k]);
				keep[k] = NULL;
			}
	}
	for (int k = 0; k < KEEP; k++)
		free(keep[k]);
	free(keep);
	return NULL;
}

enum { BATCH = 120, QUEUE = 64 };
struct batch {
	void *p[BATCH];
};
static struct batch *queue[QUEUE];
static int head, count, producers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *xmalloc_produce(void *arg)
{
	uint64_t s = 99991 * ((uintptr_t)arg + 1);

	for (long i = 0; i < ops / BATCH; i++) {
		struct batch *b = block(sizeof(*b));

		for (int k = 0; k < BATCH; k++)
			b->p[k] = block(mixed_size(rnd(&s)) / 2 + 8);
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
	return NULL;
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
