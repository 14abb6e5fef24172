// Forks while other threads are in the middle of what libc's fork locks as well: they register
// handlers of forks, whose list grows by malloc; look up names, for the first time in the process;
// open and close FILEs. Nobody waits for ever, and the child can open FILEs.
//
// The list grows once, out of libc's own memory: where it moves from a block of the heap, glibc 2.36 reads the
// block beside a fork after it was freed (__run_prefork_handlers gives its lock back before it calls).
// also: strict
#include "ok.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>

enum { INLINE = 48, MOST = 73 }; /* handlers in libc's own memory, and in the first block */

static int go, stop, told;

static int goes_on(void)
{
	return !__atomic_load_n(&stop, __ATOMIC_SEQ_CST);
}

static void ready(void)
{
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void nothing(void)
{
}

static void tells(void)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
}

/* The first runs last of them all, right before what locks the heap. */
static void register_some(void)
{
	check(pthread_atfork(tells, nothing, nothing) == 0);
	for (int i = 0; i < INLINE - 2; i++)
		check(pthread_atfork(nothing, nothing, nothing) == 0);
}

/* A few in the middle of each fork: the list grows in that of the first. */
static void *registers(void *arg)
{
	ready();
	for (int i = 0; i < MOST - INLINE - 5; i++) {
		while (__atomic_load_n(&told, __ATOMIC_SEQ_CST) <= i / 4 && goes_on())
			;
		check(pthread_atfork(nothing, nothing, nothing) == 0);
	}
	return arg;
}

static void *looks_up(void *arg)
{
	char text[4096];
	struct passwd user, *u;
	struct group group, *g;
	struct addrinfo *hosts;

	ready();
	for (int i = 0; i < 10 && goes_on(); i++) {
		check(getpwnam_r("root", &user, text, sizeof(text), &u) == 0 && u);
		check(getgrnam_r("root", &group, text, sizeof(text), &g) == 0 && g);
		if (getaddrinfo("127.0.0.1", "9", NULL, &hosts) == 0)
			freeaddrinfo(hosts);
	}
	return arg;
}

static void open_one(void)
{
	FILE *f = fopen("/dev/null", "r");

	check(f && getc(f) == EOF && fclose(f) == 0);
}

static void *opens(void *arg)
{
	ready();
	while (goes_on())
		open_one();
	return arg;
}

static int forks(void)
{
	void *(*const others[])(void *) = {registers, looks_up, opens};
	pthread_t t[ARRAY_N(others)];
	void *held[2000];

	register_some();
	for (size_t i = 0; i < ARRAY_N(others); i++)
		check(pthread_create(&t[i], NULL, others[i], NULL) == 0);
	for (size_t i = 0; i < ARRAY_N(held); i++)
		held[i] = malloc(16 + i);
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			open_one();
			_exit(failures);
		}
		check(wait_for(pid) == 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_N(others); i++)
		check(pthread_join(t[i], NULL) == 0);
	for (size_t i = 0; i < ARRAY_N(held); i++)
		free(held[i]);
	return failures;
}

int main(void)
{
	crowd();
	/* Each once more: what a process does first is done once. */
	for (int i = 0; i < 10; i++)
		in_child("forks beside others", forks);
	return done();
}
