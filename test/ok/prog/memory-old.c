// What was freed and is not wanted again for a second goes back, while the program frees little.
// native: no
// not-tiny: not tried: its whole heap is as little
#include "ok.h"

enum { BLOCKS = 240, SIZE = 8000, TRIES = 2000 };

int main(void)
{
	static void *block[BLOCKS];
	long before, after;
	int tries = 0;

	free(malloc(SIZE));
	before = memory_kb();
	for (int i = 0; i < BLOCKS; i++)
		memset(block[i] = malloc(SIZE), 1, SIZE);
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	/* One in 10 ms; 20 s are a limit for hangs. Some 500 KB are what the small ones take. */
	do {
		free(malloc(100));
		usleep(10000);
		after = memory_kb();
	} while (after - before > 1000 && ++tries < TRIES);
	if (tries == TRIES)
		say("%ld KB before, %ld after", before, after);
	check(tries < TRIES);
	return failures;
}
