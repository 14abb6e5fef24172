// Memory that was freed goes back to the system, whatever its size and whoever frees it.
// native: no
// timeout: 90
// not-tiny: not tried: touches gigabytes
#include "ok.h"

/*
 * MB that may be left. In strict nothing waits to die, but what the dead are remembered by is there; else, where
 * it is for seconds, a quarter of the heap may wait (README).
 */
static long most(void)
{
	const char *o = getenv("UNDANGLE_OPTIONS");

	return !o ? 72 : strstr(o, "strict") ? 56 : strstr(o, "production") ? 48 : 72;
}

static long resident(void)
{
	return memory_kb() / 1024;
}

enum { SHARED = 200000 };
static void *shared[SHARED];
static pthread_barrier_t start;

static void *free_odd(void *arg)
{
	pthread_barrier_wait(&start);
	for (int n = 1; n < SHARED; n += 2)
		free(shared[n]);
	return arg;
}

/* The owner and another thread free neighbours at the same time. */
static void freed_by_two(void)
{
	long before = resident(), after;
	pthread_t t;

	pthread_barrier_init(&start, NULL, 2);
	for (int round = 0; round < 2; round++) {
		for (int n = 0; n < SHARED; n++)
			memset(shared[n] = malloc(200), 1, 200);
		check(pthread_create(&t, NULL, free_odd, NULL) == 0);
		pthread_barrier_wait(&start);
		for (int n = 0; n < SHARED; n += 2)
			free(shared[n]);
		pthread_join(t, NULL);
	}
	after = resident();
	if (after - before > most()) {
		say("freed by two threads: %ld MB before, %ld after", before, after);
		check(!"memory came back");
	}
}

int main(void)
{
	static const struct {
		size_t size;
		int n;
	} load[] = {{64, 400000}, {1000, 100000}, {5000, 30000}, {60000, 3000}, {1000000, 200}};
	void **p = mmap(NULL, 400000 * sizeof(*p), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long before, full, after;
	unsigned i;
	int n;

	before = resident();
	for (i = 0; i < ARRAY_N(load); i++) {
		for (n = 0; n < load[i].n; n++)
			memset(p[n] = malloc(load[i].size), 1, load[i].size);
		full = resident();
		for (n = 0; n < load[i].n; n++)
			free(p[n]);
		after = resident();
		if (full - before < (long)(load[i].size * load[i].n >> 20) / 2 ||
			after - before > most()) {
			say("size %zu: %ld MB before, %ld full, %ld after", load[i].size, before,
				full, after);
			check(!"memory came back");
		}
	}
	freed_by_two();
	return done();
}
