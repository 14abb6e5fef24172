// Limits on data and on addresses count what is mapped, and a malloc may be refused a thousand times:
// what fits natively does here, whatever died before.
// native: yes
// also: strict
// host-only: the windows of ring 0 are larger than these limits
#include "ok.h"

#define MB (1UL << 20)

static char *p[80000];

static char *touched(size_t size)
{
	char *q = malloc(size);

	if (q)
		*q = 1;
	return q;
}

/* What died waits, or is kept for small blocks. */
static void large_after_small(void)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 80000; i++)
			check((p[i] = touched(1000)) != NULL);
		for (int i = 0; i < 80000; i++)
			free(p[i]);
		check((p[0] = touched(170 * MB)) != NULL);
		free(p[0]);
	}
}

/* Room to grow is no reason to fail. */
static void growing(void)
{
	for (size_t n = 100; n < 180; n += 5) {
		char *q = realloc(p[0], n * MB);

		check(q != NULL);
		if (!q)
			return;
		check(n == 100 || q[(n - 5) * MB - 1] == (char)n);
		q[n * MB - 1] = (char)(n + 5);
		p[0] = q;
	}
}

/* Addresses to spare are none of a block's. */
static void sizes(void)
{
	for (size_t i = 0; i < 60000; i++) {
		free(p[i % 300]);
		p[i % 300] = touched((i * 3511 + i / 300 * 977) % 200000);
		check(p[i % 300] != NULL);
		if (!p[i % 300])
			return;
	}
	check(touched(100 * MB) != NULL);
}

/* Of fifty blocks one lives on. */
static void kept(void)
{
	for (size_t round = 0; round < 200; round++) {
		size_t size = (1 + round * 7 % 30) << 12;

		for (int i = 0; i < 50; i++)
			check((p[i] = touched(size)) != NULL);
		for (int i = 0; i < 49; i++)
			free(p[i]);
	}
	check(touched(90 * MB) != NULL);
}

/* Addresses of what was refused are there for others: all of them would be used up. */
static void refused(void)
{
	p[0] = touched(100);
	for (int shift = 37; shift >= 28; shift--)
		for (int i = 0; i < (shift == 37 ? 1000 : 20); i++) {
			check(touched(1UL << shift) == NULL);
			check(realloc(p[0], 1UL << shift) == NULL);
		}
	for (int i = 0; i < 2000; i++) {
		check((p[1] = touched(3 * MB)) != NULL);
		free(p[1]);
	}
}

static void expect(const char *what, void (*fn)(void), int limit, rlim_t bytes)
{
	pid_t pid = fork();
	int st;

	if (!pid) {
		struct rlimit r = {bytes, bytes};

		failures = 0;
		check(setrlimit(limit, &r) == 0);
		fn();
		_exit(failures != 0);
	}
	st = wait_for(pid);
	if (st)
		say_end(what, st);
	check(st == 0);
}

int main(void)
{
	expect("data: large after small", large_after_small, RLIMIT_DATA, 200 * MB);
	expect("data: growing", growing, RLIMIT_DATA, 200 * MB);
	expect("data: sizes", sizes, RLIMIT_DATA, 200 * MB);
	expect("data: kept", kept, RLIMIT_DATA, 150 * MB);
	expect("addresses: large after small", large_after_small, RLIMIT_AS, 500 * MB);
	expect("addresses: growing", growing, RLIMIT_AS, 500 * MB);
	expect("addresses: sizes", sizes, RLIMIT_AS, 500 * MB);
	expect("addresses: kept", kept, RLIMIT_AS, 500 * MB);
	expect("data: refused", refused, RLIMIT_DATA, 64 * MB);
	return done();
}
