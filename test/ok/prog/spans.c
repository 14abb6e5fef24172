// native: no
// profiles: deferred
// options: stacks=off:no-symbolize:defer-frees=4096:defer-ms=100
// findings: yes
// timeout: 120
// A class in much use has views of several chunks: their blocks have their bytes, in a child of
// fork too, and the dead are dead in every part of them.
#include "ok.h"

enum { KEPT = 6000, HOT = 120000, DEAD = 64 };
static unsigned char *kept[KEPT], *dead[DEAD];

static void brief(size_t n)
{
	char *p = malloc(n);

	HIDE(p);
	free(p);
}

static void fill(void)
{
	for (int i = 0; i < KEPT; i++)
		memset(kept[i], i % 251, 64);
}

static int intact(void)
{
	for (int i = 0; i < KEPT; i++)
		for (int k = 0; k < 64; k++)
			if (kept[i][k] != i % 251)
				return 0;
	return 1;
}

static int child_has_its_own(void)
{
	check(intact());
	for (int i = 0; i < KEPT; i++) {
		memset(kept[i], 255, 64);
		free(kept[i]);
		kept[i] = malloc(64);
	}
	fill();
	check(intact());
	return failures != 0;
}

static unsigned char *touched;

static int touch(void)
{
	return *(volatile unsigned char *)touched;
}

/* Other sizes, so that frees and time go on. */
static void pass(void)
{
	struct timespec ms = {0, 150000000};

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20000; i++)
			brief(1000);
		nanosleep(&ms, NULL);
	}
}

int main(void)
{
	int st, killed = 0;
	pid_t pid;

	for (int i = 0; i < HOT; i++)
		brief(64);
	for (int i = 0; i < KEPT; i++)
		kept[i] = malloc(64);
	/* All over the last two views and more, between blocks that live. */
	for (int i = 0; i < DEAD; i++) {
		dead[i] = kept[i * (KEPT / DEAD)];
		kept[i * (KEPT / DEAD)] = malloc(64);
	}
	fill();
	for (int i = 0; i < DEAD; i++)
		free(dead[i]);
	pass();
	pid = fork();
	if (!pid)
		_exit(child_has_its_own());
	check(wait_for(pid) == 0);
	check(intact());
	for (int i = 0; i < DEAD; i++) {
		touched = dead[i];
		pid = fork();
		if (!pid) {
			int null = open("/dev/null", O_WRONLY);

			dup2(null, 2);
			_exit(touch() * 0);
		}
		st = wait_for(pid);
		killed += WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV;
	}
	check(killed == DEAD);
	if (killed != DEAD)
		say("%d of %d", killed, DEAD);
	return done();
}
