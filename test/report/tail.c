/* Functions that end by a jump to another, whose frames are gone; with an argument in one of two ways. */
#include <stdlib.h>

#define CALLED	__attribute__((noinline))
#define KEEP(x) __asm__ volatile("" ::"r"(x) : "memory")

CALLED int last(volatile int *p)
{
	int v = p[2]; /* line: last */
	KEEP(v);
	return v;
}

static CALLED int middle(int *p)
{
	KEEP(p);
	return last(p); /* line: middle */
}

CALLED int first(int *p)
{
	KEEP(p);
	return middle(p); /* line: first */
}

CALLED int other(int *p)
{
	KEEP(p + 1);
	return last(p);
}

CALLED int either(int *p, int n)
{
	KEEP(p);
	if (n == 2)
		return first(p);
	return other(p);
}

CALLED void drop(int *p)
{
	KEEP(p);
	free(p); /* line: drop */
}

CALLED void *get(void)
{
	KEEP(0);
	return malloc(40); /* line: get */
}

int main(int argc, char **argv)
{
	int *p = get(), v; /* line: main-get */
	KEEP(p);
	drop(p); /* line: main-drop */
	KEEP(p);
	if (argc > 1)
		v = either(p, argc); /* line: main-either */
	else
		v = first(p); /* line: main-first */
	KEEP(v);
	return 0;
}
