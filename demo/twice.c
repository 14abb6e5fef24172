// An error path frees what the normal path has freed already.
// expect: double-free: free()
// status: 134
#include <stdio.h>
#include <stdlib.h>

static int request_handle(char *buffer, int fails)
{
	buffer[0] = 'x';
	free(buffer);
	return fails ? -1 : 0;
}

int main(void)
{
	char *volatile buffer = malloc(5000), *volatile other;

	if (request_handle(buffer, 1) < 0) {
		other = malloc(5000); /* with an ordinary malloc: the same block again */
		free(buffer);	      /* the bug: frees the block of `other` */
		puts("error handled");
		free(other);
	}
	return 0;
}
