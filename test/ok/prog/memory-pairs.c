// What is freed at once and dies in whole views costs little while it waits, and once it is dead:
// a loop of malloc and free does not grow, whatever the size.
// native: no
// profiles: deferred,production
// options: stacks=off
// not-tiny: counts the host's page tables
#include "ok.h"

/*
 * MB that production keeps ready, four sheets: how many of those are filled in when a loop begins is left to the
 * sweeps of the one before, which come by the clock.
 */
static long kept_ready(void)
{
	const char *o = getenv("UNDANGLE_OPTIONS");

	return o && strstr(o, "production") ? 8 : 0;
}

int main(void)
{
	static const struct {
		size_t size;
		long mb;
	} sizes[] = {{64, 16}, {1000, 16}, {4300, 16}, {5000, 16}, {30000, 5}, {60000, 5}};

	for (unsigned i = 0; i < ARRAY_N(sizes); i++) {
		long before = memory_kb(), most = 0, grown;

		for (int n = 0; n < 100000; n++) {
			char *volatile p = malloc(sizes[i].size);

			memset(p, 1, sizes[i].size);
			free(p);
			if (n % 4999 == 0 && (grown = memory_kb() - before) > most)
				most = grown;
		}
		if (most > (sizes[i].mb + kept_ready()) << 10) {
			say("%zu bytes: grown by %ld KB", sizes[i].size, most);
			check(!"a loop does not grow");
		}
	}
	return done();
}
