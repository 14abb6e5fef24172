/* crash.c - dies in a known line of a known function: what a core and gdb must show. */
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

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "abort"))
		abort_here();
	crash_here(NULL);
	return depth;
}
