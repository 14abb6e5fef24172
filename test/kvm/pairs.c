/* pairs.c - N pairs of malloc and free of mixed sizes, K of them live at a time. No output. */
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	unsigned long k = argc > 2 ? strtoul(argv[2], NULL, 10) : 100, i;
	char **live = calloc(k, sizeof(*live));

	for (i = 0; i < n; i++) {
		free(live[i % k]);
		live[i % k] = malloc(16 + i % 7 * 40);
		live[i % k][0] = 1;
	}
	return 0;
}
