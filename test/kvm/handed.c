/* handed.c - handed N: N blocks that a thread frees which allocates none itself. No output. */
#include <pthread.h>
#include <stdlib.h>

static char **blocks;
static unsigned long n;

static void *frees(void *arg)
{
	for (unsigned long i = 0; i < n; i++)
		free(blocks[i]);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	blocks = calloc(n, sizeof(*blocks));
	for (unsigned long i = 0; i < n; i++)
		blocks[i] = malloc(16 + i % 7 * 40);
	return !blocks || pthread_create(&t, NULL, frees, NULL) || pthread_join(t, NULL);
}
