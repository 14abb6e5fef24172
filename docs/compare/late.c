// A pointer is used long after its block was freed: 400 MB of other blocks came and went, and some stay.
#include <stdio.h>
#include <stdlib.h>

static char *session_open(void)
{
	return calloc(1, 100);
}

static char *volatile kept[1000];

int main(void)
{
	char *session = session_open();

	free(session);
	for (int i = 0; i < 40000; i++) {
		kept[0] = malloc(10000);
		free(kept[0]);
	}
	for (int i = 0; i < 1000; i++)
		kept[i] = session_open();
	printf("%d\n", session[8]); /* the bug */
	return 0;
}
