// As if few mappings were allowed: views become parts of super-views, later small neighbours share
// pages. Survivors keep their bytes, in a forked child too, and neither sees what the other writes;
// what died as a part, or as a whole super-view, faults in both; memory comes back.
// options: maps=1200:stats
// timeout: 60
// native: no
// findings: yes
// not-tiny: not tried: half a million allocations
#include "ok.h"

#define EVERY 512
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

static volatile unsigned char *wrong;

static int touch_gone(void)
{
	return *wrong;
}

/* A sample of the dead must fault. */
static void dead(const char *what, int from, int to)
{
	int faults = 0, n = 0;

	for (int i = from; i < to; i += (to - from) / 7) {
		pid_t pid;

		wrong = gone[i];
		pid = fork();
		if (!pid)
			_exit(touch_gone());
		n++;
		faults += wait_for(pid) == SIGSEGV;
	}
	check(faults == n);
	if (faults != n)
		say("%s: %d of %d fault", what, faults, n);
}

static int child(void)
{
	intact();
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
	dead("parts", 600, 1000);
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
	dead("all", 1, 499);
	for (int i = 501; i < 1000; i += 2)
		check(kept[i][0] == (unsigned char)i);
	return done();
}
