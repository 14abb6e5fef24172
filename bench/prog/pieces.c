/*
 * pieces.c - blocks of a page or two, allocated in bulk and freed in pieces, as glib's slice-memchunk does:
 * half of them in any order, then half as many anew, then all. Prints the processor's microseconds for one.
 * Usage: pieces ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BLOCKS 12500
#define LEAST  4000
#define MOST   9000

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static unsigned below(unsigned n)
{
	static unsigned long seed = 1;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

/* Each page of it is touched. */
static char *block(void)
{
	size_t size = LEAST + below(MOST - LEAST);
	char *p = malloc(size);

	if (!p)
		abort();
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return p;
}

static void one_round(char **p)
{
	for (int i = 0; i < BLOCKS; i++)
		p[i] = block();
	for (int i = BLOCKS - 1; i > 0; i--) {
		unsigned j = below((unsigned)i + 1);
		char *q = p[i];

		p[i] = p[j];
		p[j] = q;
	}
	for (int i = 0; i < BLOCKS / 2; i++)
		free(p[i]);
	for (int i = 0; i < BLOCKS / 2; i++)
		p[i] = i < BLOCKS / 4 ? block() : NULL;
	for (int i = 0; i < BLOCKS; i++)
		free(p[i]);
}

int main(int argc, char **argv)
{
	static char *p[BLOCKS];
	long n = argc > 1 ? atol(argv[1]) : 0;
	double from = cpu_us();

	if (n < 1)
		return 2;
	for (long i = 0; i < n; i++)
		one_round(p);
	printf("%.2f\n", (cpu_us() - from) / (double)n / (BLOCKS + BLOCKS / 4));
	return 0;
}
