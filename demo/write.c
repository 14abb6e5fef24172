// A freed buffer is given to the kernel, which would happily send what is there now.
// expect: use-after-free: write() argument 2
// status: 139
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	char *volatile text = malloc(64);

	strcpy(text, "hello\n");
	free(text);
	return write(1, text, 6) != 6; /* the bug */
}
