// One thread frees what another one still reads.
// expect: use-after-free: READ of size
// status: 139
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *volatile shared;

static void *cleaner(void *unused)
{
	(void)unused;
	free(shared);
	return NULL;
}

int main(void)
{
	pthread_t t;
	char *p = malloc(200);

	strcpy(p, "still here");
	shared = p;
	pthread_create(&t, NULL, cleaner, NULL);
	pthread_join(t, NULL);
	printf("the text is \"%.10s\"\n", shared); /* the bug */
	return 0;
}
