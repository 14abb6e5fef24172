/* One mistake of each kind, by name. */
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	char local[64], *p = malloc(40), *large = malloc(4000000);
	const char *kind = argv[argc - 1];

	__asm__ volatile("" : "+r"(p), "+r"(large) : "r"(local) : "memory");
	if (!strcmp(kind, "local"))
		free(local + 16);
	if (!strcmp(kind, "far"))
		large[4100000] = 1;
	free(p);
	__asm__ volatile("" : "+r"(p)::"memory");
	if (!strcmp(kind, "twice"))
		free(p);
	if (!strcmp(kind, "write"))
		p[8] = 1;
	return 0;
}
