/*
 * libcs.c - blocks that a dlmopen'ed library had from its own libc, before anybody could see that, come to
 * ours: free leaves them, realloc copies, malloc_usable_size knows. (test/ok/cases/namespaces.sh has the rest, on the host.)
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	void *h = argc > 1 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : NULL;
	char **blocks = h ? dlsym(h, "blocks") : NULL;

	if (!blocks) {
		fprintf(stderr, "usage: libcs path/to/libcs.so\n");
		return 2;
	}
	if (malloc_usable_size(blocks[2]) < 300000 || strcmp(blocks[0], "before anybody asked"))
		return 3;
	blocks[1] = realloc(blocks[1], 100);
	if (!blocks[1] || strcmp(blocks[1], "to be moved"))
		return 4;
	for (int i = 0; i < 3; i++)
		free(blocks[i]);
	return 0;
}
