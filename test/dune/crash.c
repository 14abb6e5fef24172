/* crash.c - dies in a known line of a known function, or ticks: what a core and gdb must show. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* For a debugger that attaches: says that it runs, and ticks until its input ends; then status 0. */
static int tick(void)
{
	struct pollfd end = {.fd = 0, .events = POLLIN};
	int i = 0;

	puts("ticks");
	fflush(stdout);
	do
		tick_here(++i);
	while (!poll(&end, 1, 10));
	return depth != i;
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
