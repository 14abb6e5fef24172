/*
 * floors.c - what this machine takes for that which any allocator of this kind does, with no allocator at all.
 *
 * Blocks on a page each: a random walk over N lines of 64 bytes, side by side, or one in each page of
 * 2 MB mappings as the views of single objects are. Where the processor can keep 2 MB in one TLB entry
 * the second is little dearer; in a virtual machine whose host has its memory in 4 KB pages every block
 * takes an entry.
 *
 * Buffers that move: a loop that fills one, in place as glibc has it; each at fresh addresses; and side by
 * side in 4 MB, which move at once.
 *
 * Pages: the first touch of fresh ones, by a fault each and 16 by a call, and what moved here from elsewhere.
 *
 * A start: /bin/true, by itself and with a library preloaded that does nothing.
 *
 * All is processor time, the best of some tries. Usage: floors
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { LINE = 64, PAGE = 4096, STEPS = 4000000, MOST = 16384, TRIES = 5, STARTS = 200 };
#define HUGE (2UL << 20)
#define PAIR (2 * HUGE)
#define ALL  ((size_t)MOST * PAGE)

static double us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void *check(void *at, const char *what)
{
	if (at == MAP_FAILED) {
		perror(what);
		exit(1);
	}
	return at;
}

/* Addresses, aligned to a pair. */
static char *reserve(size_t len)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *m = check(mmap(NULL, len + PAIR, PROT_NONE, flags, -1, 0), "mmap");

	return (char *)(((uintptr_t)m + PAIR - 1) & ~(PAIR - 1));
}

static char *map(char *at, size_t len, int how)
{
	return check(mmap(at, len, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		"mmap");
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
		t = us();
		for (int i = 0; i < STEPS; i++)
			p = *(char *volatile *)p;
		t = us() - t;
	}
	return t / STEPS * 1e3;
}

static void walks(void)
{
	char *m = map(reserve(ALL), ALL, MAP_SHARED);

	memset(m, 1, ALL);
	for (size_t at = 0; at < ALL; at += HUGE)
		check(madvise(m + at, HUGE, MADV_COLLAPSE) ? MAP_FAILED : m, "MADV_COLLAPSE");
	printf("| blocks | side by side, ns | a page each, ns | ratio |\n|---|---|---|---|\n");
	for (size_t n = 64; n <= MOST; n *= 4) {
		double packed = walk(m, n, 0), spread = walk(m, n, 1);

		printf("| %zu | %.1f | %.1f | %.2f |\n", n, packed, spread, spread / packed);
	}
	munmap(m, ALL);
}

/*
 * us per buffer of `size` bytes, which are filled one behind the other in `all` bytes; these move then, or do not.
 * `room`: the addresses of one move, whose mapping there was is taken away by it.
 */
static double fill(size_t size, size_t all, int moves)
{
	size_t room = all < HUGE ? HUGE : PAIR, rounds = (64UL << 20) / all;
	char *from = reserve((rounds + 1) * room);
	double best = 1e9, t;

	for (int try = 0; try < TRIES; try++) {
		char *at = map(from, all, MAP_PRIVATE);

		madvise(at, all, MADV_HUGEPAGE);
		memset(at, 1, all);
		t = us();
		for (size_t r = 0; r < rounds; r++) {
			for (size_t o = 0; o + size <= all; o += size) {
				memset(at + o, (int)r, size);
				__asm__ volatile("" : : "r"(at) : "memory");
			}
			if (moves)
				at = check(mremap(at, all, all, MREMAP_MAYMOVE | MREMAP_FIXED,
						   at + room),
					"mremap");
		}
		t = (us() - t) / (double)(rounds * (all / size));
		best = t < best ? t : best;
		munmap(at, all);
	}
	munmap(from, (rounds + 1) * room);
	return best;
}

static void buffers(void)
{
	static const size_t size[] = {60000, 128000, 256000, 512000, 1000000};

	printf("\n| bytes | in place, us | each moves | ratio | 4 MB move | ratio "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		size_t whole = (size[i] + PAGE - 1) & ~(PAGE - 1UL);
		double in = fill(size[i], whole, 0), each = fill(size[i], whole, 1),
		       pair = fill(whole, PAIR, 1);

		printf("| %zu | %.2f | %.2f | %.1f | %.2f | %.2f |\n", size[i], in, each, each / in,
			pair, pair / in);
	}
}

/* us per page of 16 MB of fresh memory; step: so many pages by a call, or 0. moved: what was touched elsewhere. */
static double touch(size_t step, int moved)
{
	const size_t all = 16UL << 20;
	char *m = reserve(2 * all);
	double best = 1e9, t;

	for (int try = 0; try < TRIES; try++) {
		char *at = map(m, all, MAP_PRIVATE);

		if (moved)
			memset(at, 1, all);
		t = us();
		if (moved)
			at = check(mremap(at, all, all, MREMAP_MAYMOVE | MREMAP_FIXED, at + all),
				"mremap");
		for (size_t o = 0; o < all; o += PAGE) {
			if (step && o % (step * PAGE) == 0)
				madvise(at + o, step * PAGE, MADV_POPULATE_WRITE);
			*(volatile char *)(at + o) = 1;
		}
		t = (us() - t) / (double)(all / PAGE);
		best = t < best ? t : best;
		munmap(at, all);
	}
	munmap(m, 2 * all);
	return best;
}

/* us of a start with this environment. */
static double start(char **env)
{
	char *argv[] = {"/bin/true", NULL};
	struct rusage r[2];
	double t[2];
	pid_t pid;

	getrusage(RUSAGE_CHILDREN, &r[0]);
	for (int i = 0; i < STARTS; i++)
		if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env) || waitpid(pid, NULL, 0) < 0)
			check(MAP_FAILED, argv[0]);
	getrusage(RUSAGE_CHILDREN, &r[1]);
	for (int i = 0; i < 2; i++)
		t[i] = (double)(r[i].ru_utime.tv_sec + r[i].ru_stime.tv_sec) * 1e6 +
		       (double)(r[i].ru_utime.tv_usec + r[i].ru_stime.tv_usec);
	return (t[1] - t[0]) / STARTS;
}

/* Since glibc 2.34 there is nothing in libpthread. */
static void starts(void)
{
	char *plain[] = {NULL}, *preload[] = {"LD_PRELOAD=libpthread.so.0", NULL};
	double best[2] = {1e9, 1e9}, t;

	for (int try = 0; try < TRIES * 2; try++) {
		t = start(try % 2 ? preload : plain);
		best[try % 2] = t < best[try % 2] ? t : best[try % 2];
	}
	printf("\n| a start, us | with an empty library |\n|---|---|\n| %.0f | %.0f |\n", best[0],
		best[1]);
}

int main(void)
{
	walks();
	buffers();
	printf("\n| first touch of a page, us | 16 by a call | moved here |\n|---|---|---|\n| %.2f "
	       "| %.2f | %.2f |\n",
		touch(0, 0), touch(16, 0), touch(0, 1));
	starts();
	return 0;
}
