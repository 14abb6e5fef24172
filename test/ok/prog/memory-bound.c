// Of what is freed between blocks that live on, no more waits to die than defer_bytes says: its
// memory is used again.
// native: no
// profiles: deferred
// options: stacks=off:defer_bytes=4m
// not-tiny: counts the host's page tables
#include "ok.h"

static long resident(void)
{
	return memory_kb() / 1024;
}

enum { KEPT = 20000 };
static char *kept[KEPT];

/* One block in 64 lives for long: hardly a view dies whole. */
static void churn(long blocks, size_t size)
{
	for (long i = 0; i < blocks; i++) {
		char *p = malloc(size);

		memset(p, 1, size);
		if (i % 64) {
			free(p);
			continue;
		}
		free(kept[i / 64 % KEPT]);
		kept[i / 64 % KEPT] = p;
	}
}

/* What an address cost while it was remembered comes back when it is forgotten. */
static void addresses_cost_nothing(void)
{
	long before = 0;

	for (long i = 0; i < 40000000; i++) {
		char *volatile p = malloc(24);

		free(p);
		if (i == 10000000)
			before = resident();
	}
	check(resident() <= before + 3);
}

int main(void)
{
	static const size_t sizes[] = {64, 500, 4300};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		long before = resident(), live = (long)(KEPT * sizes[i] >> 20), grown;

		churn(1500000, sizes[i]);
		grown = resident() - before;
		/* What lives, what waits, and as much again for what is in the views' slack. */
		if (grown > 2 * live + 16) {
			say("%zu bytes: grown by %ld MB", sizes[i], grown);
			check(!"what waits is bounded");
		}
		for (int k = 0; k < KEPT; k++) {
			free(kept[k]);
			kept[k] = NULL;
		}
	}
	addresses_cost_nothing();
	return done();
}
