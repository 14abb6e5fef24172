// free gets a pointer behind a header instead of the block's start.
// expect: invalid-free: free()
// status: 134
#include <stdio.h>
#include <stdlib.h>

struct message {
	long length;
	char text[56];
};

int main(void)
{
	struct message *m = malloc(sizeof(*m));
	char *volatile text = m->text;

	m->length = 0;
	free(text); /* the bug */
	puts("message freed");
	return 0;
}
