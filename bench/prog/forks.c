/*
 * forks.c - a heap of so many MB in blocks of a kilobyte, then so many forks whose child ends at
 * once: prints the processor's microseconds for one, in both processes.
 * Usage: forks MEGABYTES FORKS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double cpu_us(int who)
{
	struct rusage r;

	getrusage(who, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[1]) * 1024 : 0, forks = argc > 2 ? atol(argv[2]) : 0;
	double from;

	if (n < 1 || forks < 1)
		return 2;
	for (long i = 0; i < n; i++) {
		char *p = malloc(1000);

		if (!p)
			abort();
		memset(p, (int)i, 1000);
	}
	from = cpu_us(RUSAGE_SELF);
	for (long i = 0; i < forks; i++) {
		pid_t child = fork();

		if (child < 0)
			abort();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	from = cpu_us(RUSAGE_SELF) - from + cpu_us(RUSAGE_CHILDREN);
	printf("%.2f\n", from / (double)forks);
	return 0;
}
