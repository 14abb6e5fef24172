// What is freed at once and dies in whole views costs little while it waits, and once it is dead: a loop of malloc and
// free of one size does not grow. A process for each, with memory that no other size has left.
// native: no
// profiles: deferred,production
// options: stacks=off
// not-tiny: counts the host's page tables
#include "ok.h"

enum { MOST_KB = 13 << 10 }; /* 8 MB are the four sheets that production keeps ready */

static size_t size;

static int loop(void)
{
	long before = memory_kb(), most = 0, grown;

	for (int n = 0; n < 100000; n++) {
		char *volatile p = malloc(size);

		memset(p, 1, size);
		free(p);
		if (n % 4999 == 0 && (grown = memory_kb() - before) > most)
			most = grown;
	}
	if (most > MOST_KB)
		say("%zu bytes: grown by %ld KB", size, most);
	return most > MOST_KB;
}

int main(void)
{
	static const size_t sizes[] = {64, 1000, 4300, 5000, 30000, 60000};

	for (unsigned i = 0; i < ARRAY_N(sizes); i++) {
		pid_t pid = fork();

		size = sizes[i];
		if (!pid)
			_exit(loop());
		check(pid > 0 && wait_for(pid) == 0);
	}
	return done();
}
