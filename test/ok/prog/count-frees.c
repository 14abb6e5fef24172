// What threads free that allocate nothing is counted too.
// native: no
// options: sample=0
// host-only: counts of another heap
#include "ok.h"

#define BLOCKS 1000

extern void ud_stats(int fd) __attribute__((weak));

static void *block[BLOCKS];

static unsigned long freed(void)
{
	char text[4000], *at;
	int fd[2];
	ssize_t n;

	if (!ud_stats || pipe(fd))
		return 0;
	ud_stats(fd[1]);
	n = read(fd[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(fd[0]);
	close(fd[1]);
	at = strstr(text, "freed ");
	return at ? strtoul(at + 6, NULL, 10) : 0;
}

static void *frees(void *arg)
{
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	return arg;
}

int main(void)
{
	unsigned long before;
	pthread_t t;

	for (int i = 0; i < BLOCKS; i++)
		block[i] = malloc(i % 300 + 1);
	before = freed();
	pthread_create(&t, NULL, frees, NULL);
	pthread_join(t, NULL);
	check(freed() - before >= BLOCKS && freed() - before < BLOCKS + 100);
	return done();
}
