// A small heap is private memory from the first malloc on, and after a hundred forks of a process that
// allocates all the time: the kernel copies it on write, and nobody else does. What was freed before a
// fork stays dead in the child, and each has its own bytes.
// also: strict,deferred
// host-only: in ring 0 there are no rows
#include "ok.h"

/* Shared memory in use, in kB: none natively. */
static long shared_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "RssShmem:", 9))
			kb = atol(line + 9);
	fclose(f);
	return kb;
}

enum { BLOCKS = 600 };
static unsigned char *block[BLOCKS];

static size_t size_of(int i)
{
	return (size_t)(16 + i * 37 % 9000);
}

static void take(int i, int fill)
{
	block[i] = malloc(size_of(i));
	memset(block[i], fill, size_of(i));
}

static int wrong(int fill)
{
	int n = 0;

	for (int i = 0; i < BLOCKS; i++)
		n += block[i][0] != fill || block[i][size_of(i) - 1] != fill;
	return n;
}

static void renew(int fill)
{
	for (int i = 0; i < BLOCKS; i++) {
		if (i % 5 == 0) {
			free(block[i]);
			take(i, fill);
		}
		memset(block[i], fill, size_of(i));
	}
}

int main(void)
{
	for (int i = 0; i < BLOCKS; i++)
		take(i, 1);
	for (int round = 0; round < 100; round++) {
		pid_t pid = fork();

		check(pid >= 0);
		if (!pid) {
			check(wrong(1 + round) == 0);
			renew(200);
			check(wrong(200) == 0);
			check(shared_kb() == 0);
			_exit(failures != 0);
		}
		renew(2 + round);
		check(wait_for(pid) == 0);
		check(wrong(2 + round) == 0);
		check(shared_kb() == 0);
	}
	return done();
}
