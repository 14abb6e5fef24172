// As if few mappings were allowed: views become parts of super-views, later small neighbours share
// pages. Survivors keep their bytes, in a forked child too, and neither sees what the other writes;
// what died as a part, or as a whole super-view, faults in both; memory comes back.
// options: maps=1200:stats
// timeout: 60
// native: no
// findings: yes
// not-tiny: not tried: half a million allocations
#include "ok.h"

#include <sys/uio.h>

#define EVERY 512
#define OLD   900 /* what is younger may lie in a page that has slots to give yet */
#define MAX   4000

extern void ud_kill_dead(void) __attribute__((weak));

static unsigned char *kept[MAX], *gone[MAX];
static int nkept;

static void churn(int upto)
{
	static uint64_t s = 9;

	for (long i = 0; nkept < upto; i++) {
		size_t len = 16 + random_next(&s) % 8 * 40;
		unsigned char *p = malloc(len);

		check(p != NULL);
		memset(p, nkept, len);
		HIDE(p);
		if (i % EVERY == 0) {
			kept[nkept++] = p;
		} else {
			if (i % EVERY == 7)
				gone[nkept - 1] = p;
			free(p);
		}
	}
}

static void intact(void)
{
	for (int i = 0; i < nkept; i++)
		check(kept[i][0] == (unsigned char)i && kept[i][15] == (unsigned char)i);
}

/* Looked at by the kernel: no finding, and no child, which would kill again what is dead. */
static int faults(const void *p)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)p, 1};

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == -1 && errno == EFAULT;
}

/* A page dies with the last of those that share it. */
static int shared(const unsigned char *p)
{
	for (int i = 0; i < nkept; i++)
		if (((uintptr_t)kept[i] ^ (uintptr_t)p) < 4096)
			return 1;
	return 0;
}

/* All of the dead must fault, and enough of them do. */
static void dead(const char *what, int from, int to)
{
	int alive = 0, n = 0;

	for (int i = from; i < to; i++) {
		if (shared(gone[i]))
			continue;
		n++;
		alive += !faults(gone[i]);
	}
	check(!alive && n > (to - from) / 2);
	if (alive)
		say("%s: %d of %d are alive", what, alive, n);
}

static int child(void)
{
	intact();
	dead("parts in the child", 0, OLD);
	for (int i = 0; i < nkept; i += 3)
		kept[i][1] = ~i;
	churn(nkept + 200);
	intact();
	for (int i = 0; i < nkept; i++)
		free(kept[i]);
	return failures != 0;
}

int main(void)
{
	pid_t pid;

	churn(1000);
	intact();
	if (ud_kill_dead)
		ud_kill_dead();
	dead("parts", 0, OLD);
	pid = fork();
	if (!pid)
		_exit(child());
	check(wait_for(pid) == 0);
	for (int i = 0; i < nkept; i++)
		check(kept[i][1] == (unsigned char)i);
	/* Every other one goes, then all of the older half: whole super-views die. */
	for (int i = 0; i < 1000; i += 2) {
		free(kept[i]);
		kept[i] = kept[i + 1];
	}
	for (int i = 0; i < 500; i++)
		if (i % 2)
			free(kept[i]);
	if (ud_kill_dead)
		ud_kill_dead();
	dead("all", 0, OLD);
	for (int i = 501; i < 1000; i += 2)
		check(kept[i][0] == (unsigned char)i);
	return done();
}
