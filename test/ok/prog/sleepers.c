// profiles: deferred,strict
// options: stacks=off:defer-bytes=4194304
// timeout: 240
// What a sleeping thread has not handed out yet goes to others; when it wakes, it goes on with new
// memory, and nothing of its own was touched.
#include "ok.h"

enum { SLEEPERS = 24, FIRST = 8, KINDS = 12, MADE = 1500, KEPT = 40 };

static pthread_barrier_t asleep, morning;

struct kept {
	unsigned char *p;
	size_t n;
	unsigned char seed;
};

static size_t size_of(int kind)
{
	return 16 + 40 * (size_t)kind;
}

static struct kept make(size_t n, unsigned seed)
{
	struct kept k = {malloc(n), n, (unsigned char)seed};

	check(k.p);
	memset(k.p, k.seed, n);
	return k;
}

static void drop(const struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->p[i] != k->seed) {
			check(!"a block has its bytes");
			break;
		}
	free(k->p);
}

static void *sleeper(void *arg)
{
	static const int made[] = {MADE, 100};
	struct kept *kept = calloc(2 * KINDS * KEPT, sizeof(*kept)), *k = kept;
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int day = 0; day < 2; day++) {
		for (int i = 0; i < made[day]; i++)
			for (int kind = 0; kind < KINDS; kind++) {
				struct kept b = make(size_of(kind), seed++);

				if (i % (made[day] / KEPT) == 0 && k < kept + 2 * KINDS * KEPT)
					*k++ = b;
				else
					drop(&b);
			}
		if (!day) {
			pthread_barrier_wait(&asleep);
			pthread_barrier_wait(&morning);
		}
	}
	while (k-- > kept)
		drop(k);
	free(kept);
	return NULL;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Somebody is at work for a while, so that the time is looked at. */
static void work(double long_for)
{
	double end = seconds() + long_for;

	do
		for (int i = 0; i < 20000; i++) {
			char *volatile p = malloc(24);

			free(p);
		}
	while (seconds() < end);
}

int main(void)
{
	pthread_t t[SLEEPERS];
	const char *size = getenv("SIZE");
	int n = size && !strcmp(size, "tiny") ? FIRST : SLEEPERS;
	long first = 0, last;

	pthread_barrier_init(&asleep, NULL, 2);
	pthread_barrier_init(&morning, NULL, (unsigned)n + 1);
	for (int i = 0; i < n; i++) {
		if (i == FIRST)
			first = memory_kb();
		pthread_create(&t[i], NULL, sleeper, (void *)(uintptr_t)i);
		pthread_barrier_wait(&asleep);
		work(0.25);
	}
	work(2.5); /* what is empty stays for a second */
	last = memory_kb();
	if (getenv("SLEEPERS_SHOW"))
		say("%ld kB, then %ld", first, last);
	check(n == FIRST || (first && last < first + (n - FIRST) * 1000L));
	pthread_barrier_wait(&morning);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	return done();
}
