/* One mistake of each kind, by name. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
	char *name;
	char more[32];
};

static void after_free(struct item *p, const char *kind)
{
	if (!strcmp(kind, "twice"))
		free(p); /* line: twice */
	if (!strcmp(kind, "again"))
		exit(!realloc(p, 9)); /* line: again */
	if (!strcmp(kind, "write"))
		p->more[0] = 1; /* line: write */
	if (!strcmp(kind, "read"))
		exit(p->more[1]); /* line: read */
	if (!strcmp(kind, "size"))
		exit((int)malloc_usable_size(p)); /* line: size */
	if (!strcmp(kind, "jump"))
		((void (*)(void))p)(); /* line: jump */
	if (!strcmp(kind, "call"))
		exit((int)write(1, p, 8)); /* line: call */
	if (!strcmp(kind, "loaded"))
		exit(p->name[1]); /* line: loaded */
	if (!strcmp(kind, "given"))
		free(p->name); /* line: given */
}

int main(int argc, char **argv)
{
	char local[64], *large = malloc(4000000);
	struct item *p = malloc(sizeof(*p));
	const char *kind = argv[argc - 1];

	p->name = strdup("Carla");
	__asm__ volatile("" : "+r"(p), "+r"(large) : "r"(local) : "memory");
	if (!strcmp(kind, "local"))
		free(local + 16); /* line: local */
	if (!strcmp(kind, "inside"))
		free(p->more); /* line: inside */
	if (!strcmp(kind, "far"))
		large[4100000] = 1; /* line: far */
	free(p);		    /* line: free */
	__asm__ volatile("" : "+r"(p)::"memory");
	after_free(p, kind); /* line: after */
	return 0;
}
