// free gets the address of a local variable.
// expect: invalid-free: free()
// status: 134
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *path_join(const char *dir, char *room, size_t size)
{
	size_t n = strlen(dir) + 2;
	char *p = n <= size ? room : malloc(n);

	strcpy(p, dir);
	strcat(p, "/");
	return p;
}

int main(void)
{
	char room[32], *volatile p = path_join("/tmp", room, sizeof(room));

	free(p); /* the bug: short paths were never malloc'ed */
	puts("path freed");
	return 0;
}
