// Sampled blocks that died leave no mapping behind: a process that runs for days would have used up all of
// vm.max_map_count, and malloc would say NULL.
// profiles: production
// options: sample=100
// native: no
// host-only: there are no samples in ring 0
#include "ok.h"

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0, c;

	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void churn(unsigned n)
{
	static char *held[64];

	for (unsigned i = 0; i < n; i++) {
		char **p = &held[i % 64];

		free(*p);
		*p = malloc(10 + i * 7 % 6000);
		(*p)[0] = 1;
	}
	for (unsigned i = 0; i < 64; i++) {
		free(held[i]);
		held[i] = NULL;
	}
}

int main(void)
{
	int before, after;

	churn(20000);
	before = mappings();
	churn(200000); /* 2,000 samples */
	after = mappings();
	if (after > before + 100)
		say("%d mappings, then %d", before, after);
	check(after <= before + 100);
	return done();
}
