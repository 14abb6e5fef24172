/*
 * mix.c - K pairs of malloc and free of 64 bytes, then one system call; N times. Prints
 * nanoseconds per round, best of 5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long k = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000, i, j;
	double best = 0, t;

	for (int round = 0; round < 5; round++) {
		t = now();
		for (i = 0; i < n; i++) {
			for (j = 0; j < k; j++) {
				char *p = malloc(64);

				*(volatile char *)p = 1;
				free(p);
			}
			syscall(SYS_getppid);
		}
		t = (now() - t) / (double)n;
		if (!best || t < best)
			best = t;
	}
	printf("%.1f\n", best);
	return 0;
}
