// A program that fills all addresses itself: malloc, and what libc allocates, fail and say so, and work again when
// some are given back. Unmapping terabytes takes no time, though ours lie among them.
// host-only: ring 0's addresses are not filled by what a program maps
#include "ok.h"

#include <sys/uio.h>

static struct iovec taken[100];
static size_t takes, largest;

static char *reserve(size_t n)
{
	char *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The largest gap, to the page: it is mapped and unmapped until its size is known. */
static size_t gap(void)
{
	size_t lo = 0, step = 1UL << 46;

	for (; step >= 4096; step /= 2) {
		char *p = reserve(lo + step);

		if (!p)
			continue;
		munmap(p, lo + step);
		lo += step;
	}
	return lo;
}

static void fill(void)
{
	size_t n;
	char *p;

	while (takes < ARRAY_N(taken) && (n = gap()) != 0 && (p = reserve(n))) {
		taken[takes] = (struct iovec){p, n};
		largest = n > taken[largest].iov_len ? takes : largest;
		takes++;
	}
	check(takes < ARRAY_N(taken) && taken[largest].iov_len > 1UL << 40);
}

/* All but the first pages of the largest, so that there is nothing next to what lies before it. */
static void give_back(void)
{
	for (size_t i = 0; i < takes; i++) {
		size_t keep = i == largest ? 65536 : 0;

		check(munmap((char *)taken[i].iov_base + keep, taken[i].iov_len - keep) == 0);
	}
}

static void nothing_left(void)
{
	errno = 0;
	check(!malloc(500000) && errno == ENOMEM);
	errno = 0;
	check(!calloc(500, 1000) && errno == ENOMEM);
	errno = 0;
	check(!malloc(1 << 20) && errno == ENOMEM);
}

static int blocks(void)
{
	char *old = malloc(100), *p;

	memset(old, 7, 100);
	fill();
	nothing_left();
	errno = 0;
	check(!realloc(old, 600000) && errno == ENOMEM);
	check(old[0] == 7 && old[99] == 7);
	give_back();
	p = malloc(10000);
	check(p);
	memset(p, 1, 10000);
	p = realloc(p, 3 << 20);
	check(p && p[9999] == 1);
	free(p);
	free(old);
	return failures;
}

static int environment(void)
{
	static char value[10000];

	memset(value, 'x', sizeof(value) - 1);
	fill();
	while (malloc(5000)) /* what is there already is used first */
		;
	errno = 0;
	check(setenv("VARIABLE", value, 1) < 0 && errno == ENOMEM);
	check(!getenv("VARIABLE"));
	return failures;
}

static int threads(void)
{
	pthread_t t;

	fill();
	check(pthread_create(&t, NULL, idle_thread, NULL) == EAGAIN);
	give_back();
	check(pthread_create(&t, NULL, idle_thread, NULL) == 0 && pthread_join(t, NULL) == 0);
	return failures;
}

static double spent(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rlimit stack;

	/* With an unlimited stack newer kernels keep back what lies between a sixth and a third: nobody can fill that. */
	getrlimit(RLIMIT_STACK, &stack);
	if (argc == 1 && stack.rlim_cur == RLIM_INFINITY) {
		stack.rlim_cur = 8 << 20;
		check(setrlimit(RLIMIT_STACK, &stack) == 0);
		execl(argv[0], argv[0], "limited", (char *)NULL);
	}
	in_child("blocks", blocks);
	in_child("the environment", environment);
	in_child("threads", threads);
	check(spent() < 3);
	return done();
}
