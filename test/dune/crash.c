/* crash.c - dies in a known line of a known function, or ticks: what a core and gdb must show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int depth;

__attribute__((noinline)) static void crash_here(int *p)
{
	depth++;
	*p = 42; /* the line */
}

__attribute__((noinline)) static void abort_here(void)
{
	depth++;
	abort();
}

__attribute__((noinline)) static void tick_here(int i)
{
	depth = i;
}

/* For a debugger that attaches: 30 seconds at most, then status 0. */
static int tick(void)
{
	for (int i = 1; i <= 3000; i++) {
		tick_here(i);
		usleep(10000);
	}
	return depth != 3000;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "tick"))
		return tick();
	if (argc > 1 && !strcmp(argv[1], "abort"))
		abort_here();
	crash_here(NULL);
	return depth;
}
