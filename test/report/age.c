/* A block is freed, then time passes and others are allocated, before it is written to and the program ends. */
#include <stdlib.h>
#include <unistd.h>

#define CALLED __attribute__((noinline))
#define PASSES 50000 /* microseconds */

CALLED static void drop(char *p)
{
	free(p);
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	size_t size = (size_t)atol(argv[1]);
	char *p = malloc(size);
	void *volatile kept[500];

	drop(p);
	usleep(PASSES);
	for (unsigned i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		kept[i] = malloc(24);
	__asm__ volatile("" : "+r"(p));
	p[8] = 1;
	return argc + !kept[0];
}
