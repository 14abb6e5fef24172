/*
 * buffers.c - malloc, touch and free of one size, as loops over frames, files and vectors do:
 * prints the processor's microseconds for one round. The first hundredth is not counted.
 * Usage: buffers BYTES ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void rounds(size_t size, long n)
{
	for (long i = 0; i < n; i++) {
		char *p = malloc(size);

		if (!p)
			abort();
		memset(p, (int)i, size);
		__asm__ volatile("" : : "r"(p) : "memory");
		free(p);
	}
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	long n = argc > 2 ? atol(argv[2]) : 0;
	double from;

	if (!size || n < 1)
		return 2;
	rounds(size, n / 100 + 20);
	from = cpu_us();
	rounds(size, n);
	printf("%.2f\n", (cpu_us() - from) / (double)n);
	return 0;
}
