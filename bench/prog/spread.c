/*
 * spread.c - what it costs a program that its blocks lie on a page each, with no allocator at all.
 *
 * A random walk over N lines of 64 bytes: side by side, or one in each page of 2 MB mappings as the
 * views of single objects are. Where the processor can keep 2 MB in one TLB entry the second is
 * little dearer. In a virtual machine whose host has its memory in 4 KB pages it cannot, and every
 * block takes an entry: then no allocator that gives each block a page can be faster than this.
 * Usage: spread
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { LINE = 64, PAGE = 4096, STEPS = 4000000, MOST = 16384 };
#define HUGE (2UL << 20)
#define ALL  ((size_t)MOST * PAGE)

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Where line i is. Pages: not all at the same place, or they would share few sets of the cache. */
static char *line(char *m, size_t i, int pages)
{
	return pages ? m + i * PAGE + (i * 2654435761U >> 8) % (PAGE / LINE) * LINE : m + i * LINE;
}

/* ns per step. */
static double walk(char *m, size_t n, int pages)
{
	static uint32_t order[MOST];
	char *p = NULL;
	double t = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = (size_t)random() % (i + 1);
		uint32_t o = order[i];

		order[i] = order[j];
		order[j] = o;
	}
	for (size_t i = 0; i < n; i++)
		*(char **)line(m, order[i], pages) = line(m, order[(i + 1) % n], pages);
	p = line(m, order[0], pages);
	for (int warm = 1; warm >= 0; warm--) {
		t = seconds();
		for (int i = 0; i < STEPS; i++)
			p = *(char *volatile *)p;
		t = seconds() - t;
	}
	return t / STEPS * 1e9;
}

int main(void)
{
	char *m = mmap(NULL, ALL + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return perror("mmap"), 1;
	m = (char *)(((uintptr_t)m + HUGE - 1) & ~(HUGE - 1));
	m = mmap(m, ALL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (m == MAP_FAILED)
		return perror("mmap"), 1;
	memset(m, 1, ALL);
	for (size_t at = 0; at < ALL; at += HUGE)
		if (madvise(m + at, HUGE, MADV_COLLAPSE))
			return perror("MADV_COLLAPSE"), 1;
	printf("| blocks | side by side, ns | a page each, ns | ratio |\n|---|---|---|---|\n");
	for (size_t n = 64; n <= MOST; n *= 4) {
		double packed = walk(m, n, 0), spread = walk(m, n, 1);

		printf("| %zu | %.1f | %.1f | %.2f |\n", n, packed, spread, spread / packed);
	}
	return 0;
}
