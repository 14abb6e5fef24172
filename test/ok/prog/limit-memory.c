// Limits that a program sets itself while it runs, of addresses and of data, and all of its memory
// locked, as root and as a user whose limit has room for ours: malloc goes on as without us,
// and what is locked is little more than what is used.
// native: no
// also: strict
// host-only: the windows of ring 0 are larger than these limits
#include "ok.h"

#define LOCKED_MOST (256L << 10) /* kB; of 8 natively */

/* kB, of /proc/self/status */
static long status(const char *key)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			kb = atol(line + strlen(key));
	if (f)
		fclose(f);
	return kb;
}

static int blocks(unsigned n, size_t size)
{
	unsigned i;
	char *p;

	for (i = 0; i < n && (p = malloc(size + i % 100)); i++)
		memset(p, 1, size);
	return i == n;
}

static int limited(int what, rlim_t bytes)
{
	struct rlimit r = {bytes, bytes};

	check(setrlimit(what, &r) == 0);
	check(blocks(20000, 1000));
	check(blocks(10, 1000000));
	return failures;
}

static int addresses(void)
{
	return limited(RLIMIT_AS, 4UL << 30);
}

static int few_addresses(void)
{
	return limited(RLIMIT_AS, 300UL << 20);
}

static int data(void)
{
	return limited(RLIMIT_DATA, 200UL << 20);
}

/* What is remembered of the dead for reports may not fill it. */
static int data_with_dead(void)
{
	static char *p[32768];
	const char *o = getenv("UNDANGLE_OPTIONS");
	struct rlimit r = {8UL << 20, 8UL << 20};
	/* In strict each costs a system call, and as much is remembered. */
	unsigned long n = 0, all = o && strstr(o, "strict") ? 300000 : 4000000;

	check(setrlimit(RLIMIT_DATA, &r) == 0);
	for (unsigned i = 1; n < all; n++) {
		char **at = &p[(i = i * 1103515245 + 12345) >> 8 & 32767];

		free(*at);
		*at = malloc(16);
		if (!*at)
			break;
		**at = 1;
	}
	check(n == all);
	return failures;
}

static int locked(int r)
{
	check(blocks(20000, 100));
	check(blocks(20, 100000));
	check(r || (status("VmLck:") > 1000 && status("VmLck:") < LOCKED_MOST));
	check(status("VmRSS:") < LOCKED_MOST);
	return failures;
}

static int all_locked(void)
{
	return locked(mlockall(MCL_CURRENT | MCL_FUTURE));
}

/* prog/locked.c is about a small limit. */
static int all_locked_by_a_user(void)
{
	struct rlimit room = {LOCKED_MOST << 10, LOCKED_MOST << 10};

	if (setrlimit(RLIMIT_MEMLOCK, &room))
		return failures;
	check(geteuid() || setuid(65534) == 0);
	return all_locked();
}

static void expect(const char *what, int (*fn)(void))
{
	pid_t pid = fork();
	int st;

	if (!pid)
		_exit(fn());
	st = wait_for(pid);
	if (st)
		say_end(what, st);
	check(st == 0);
}

int main(void)
{
	expect("RLIMIT_AS of 4 GB", addresses);
	expect("RLIMIT_AS of 300 MB", few_addresses);
	expect("RLIMIT_DATA of 200 MB", data);
	expect("RLIMIT_DATA of 8 MB", data_with_dead);
	expect("all locked", all_locked);
	expect("all locked, by a user", all_locked_by_a_user);
	return done();
}
