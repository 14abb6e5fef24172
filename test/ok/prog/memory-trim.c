// malloc_trim gives back what one kept block in a hundred allows, and what lives is as it was, also while
// other threads allocate.
// native: no
// timeout: 90
// host-only: the next malloc trims what it has
#include "ok.h"

#include <malloc.h>
#include <stdbool.h>

enum { BLOCKS = 150000, KEEP = 100, MIXED = 3000 };

static unsigned char *block[BLOCKS];

static bool is_whole(const unsigned char *p, size_t size, unsigned char c)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != c)
			return false;
	return true;
}

static void kept_few(size_t size)
{
	long full, after;

	for (int i = 0; i < BLOCKS; i++)
		memset(block[i] = malloc(size), i % 251, size);
	full = memory_kb();
	for (int i = 0; i < BLOCKS; i++)
		if (i % KEEP)
			free(block[i]);
	check(malloc_trim(0) == 1);
	after = memory_kb();
	if (after > full / 2)
		say("%zu bytes: %ld KB, %ld after", size, full, after);
	check(after <= full / 2);
	for (int i = 0; i < BLOCKS; i += KEEP) {
		check(is_whole(block[i], size, (unsigned char)(i % 251)));
		free(block[i]);
	}
}

static _Atomic int running;

/* Blocks of all sizes come and go, and have their own bytes all the time. */
static void *mixed(void *arg)
{
	static const size_t size[] = {16, 100, 250, 600, 1500, 5000, 9000, 20000};
	struct {
		unsigned char *p;
		size_t n;
		unsigned char c;
	} held[200] = {{0}};
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < MIXED; i++) {
		unsigned at = rand_r(&seed) % ARRAY_N(held);

		check(!held[at].p || is_whole(held[at].p, held[at].n, held[at].c));
		free(held[at].p);
		held[at].n = size[rand_r(&seed) % ARRAY_N(size)];
		held[at].c = (unsigned char)seed;
		held[at].p = seed % 2 ? malloc(held[at].n) : calloc(1, held[at].n);
		if (!(seed % 2))
			check(is_whole(held[at].p, held[at].n, 0));
		memset(held[at].p, held[at].c, held[at].n);
	}
	for (unsigned at = 0; at < ARRAY_N(held); at++) {
		check(!held[at].p || is_whole(held[at].p, held[at].n, held[at].c));
		free(held[at].p);
	}
	running--;
	return NULL;
}

int main(void)
{
	pthread_t t[3];

	kept_few(200);
	running = ARRAY_N(t);
	for (uintptr_t i = 0; i < ARRAY_N(t); i++)
		check(!pthread_create(&t[i], NULL, mixed, (void *)(i + 1)));
	while (running)
		malloc_trim(0);
	for (unsigned i = 0; i < ARRAY_N(t); i++)
		pthread_join(t[i], NULL);
	return done();
}
