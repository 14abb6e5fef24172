/*
 * stacks.c - what one captured stack costs: ours, glibc's backtrace() and libunwind's unw_backtrace().
 *
 * Three programs in one: a loop that captures at one place, one in which the two innermost frames differ
 * from one to the next, and one that comes down another way from main each time. What is printed is
 * processor time per capture, less what the calls take without it; the median of the rounds, in which all
 * take turns. Nothing is compiled with frame pointers but what the library's own malloc has.
 * Usage: stacks [CAPTURES]
 */
#include "base/altstack.h"
#include "base/options.h"
#include "trace/stack.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct options options = {.stacks = true};

enum { ROUNDS = 9, WAYS = 5, SHAPES = 3 };

static int (*unw)(void **, int);
static int way;
static volatile uintptr_t sink;
static size_t frames;

/* As malloc does: a function with a frame of its own, called by the program's code. */
static __attribute__((noipa, optimize("no-omit-frame-pointer"))) void capture(void)
{
	void *pc[STACK_MAX];

	switch (way) {
	case 1:
		sink = stack_capture(__builtin_frame_address(0));
		break;
	case 2: {
		struct stack_regs r = stack_regs_of_frame(__builtin_frame_address(0));

		frames = stack_walk(&r, false, (uintptr_t *)pc, STACK_MAX);
		break;
	}
	case 3:
		sink = (uintptr_t)backtrace(pc, STACK_MAX);
		break;
	case 4:
		sink = (uintptr_t)unw(pc, STACK_MAX);
		break;
	}
}

static void step(unsigned depth, unsigned path);

/* Frames of different sizes, which differ in what they save. */
#define STEP(n)                                                                    \
	static __attribute__((noipa)) void step_##n(unsigned depth, unsigned path) \
	{                                                                          \
		volatile char room[16 << n];                                       \
                                                                                   \
		room[0] = (char)path;                                              \
		step(depth, path >> 2);                                            \
		room[1] = room[0];                                                 \
	}
STEP(0)
STEP(1)
STEP(2)
STEP(3)

static __attribute__((noipa)) void step(unsigned depth, unsigned path)
{
	static void (*const next[])(unsigned, unsigned) = {step_0, step_1, step_2, step_3};

	if (depth)
		next[path % 4](depth - 1, path);
	else
		capture();
	sink = depth;
}

static double run(int shape, unsigned captures)
{
	struct timespec a, b;
	unsigned x = 2463534242;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < captures; i++) {
		x ^= x << 13, x ^= x >> 17, x ^= x << 5;
		/* a step is two frames; its first choice is that of main's end */
		if (shape == 0)
			step(6, 0x1b1);
		else
			step(6, shape == 1 ? 0x1b1 | (x % 4) << 10 : x % 256);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / captures;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const char *const shapes[] = {
		"one place", "the innermost differ", "another way from main"};
	static const int width[WAYS] = {0, 8, 8, 12, 14};
	unsigned captures = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
	double t[SHAPES][WAYS][ROUNDS];
	void *lib = dlopen("libunwind.so.8", RTLD_NOW);

	altstack_init(); /* what a thread remembers lies above it */
	*(void **)&unw = lib ? dlsym(lib, "unw_backtrace") : NULL;
	for (int r = 0; r < ROUNDS; r++)
		for (int s = 0; s < SHAPES; s++)
			for (way = 0; way < WAYS; way++)
				t[s][way][r] = way < 4 || unw ? run(s, captures) : 0;
	printf("ns a capture of %2zu frames  %8s %8s %12s %14s\n", frames, "capture", "walk",
		"backtrace()", "unw_backtrace");
	for (int s = 0; s < SHAPES; s++) {
		for (int w = 0; w < WAYS; w++)
			qsort(t[s][w], ROUNDS, sizeof(double), by_value);
		printf("%-26s", shapes[s]);
		for (int w = 1; w < WAYS; w++)
			printf(" %*.0f", width[w], t[s][w][ROUNDS / 2] - t[s][0][ROUNDS / 2]);
		printf("\n");
	}
	if (!unw)
		printf("no libunwind.so.8 here (apt install libunwind8)\n");
	return 0;
}
