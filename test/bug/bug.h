/*
 * bug.h - what every bug program shares. One program holds one bug; compiled with -DTWIN=1 the
 * same source is the correct program, which must stay silent and exit 0. See run.py for the
 * meaning of the first lines.
 *
 * Rule: the functions named in the expected stacks are NOINLINE and end in KEEP(), so that the
 * compiler at -O2 neither merges them nor turns their last call into a jump.
 */
#ifndef BUG_H
#define BUG_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef TWIN
#define TWIN 0
#endif

#ifdef __clang__
#define NOINLINE __attribute__((noinline, unused))
#else
#define NOINLINE __attribute__((noipa, unused))
#endif

/* The compiler must not look through: no tail call, no load moved past it. */
#define KEEP()	__asm__ volatile("" ::: "memory")
/* Forgets where p came from, so that malloc and free stay and no warning fires. */
#define HIDE(p) __asm__ volatile("" : "+r"(p)::"memory")

/* A child that a signal killed, as seen by the parent of the programs that use children. */
#define SAW_SEGV 42
#define SAW_ABRT 43

/* The block of most programs; what frees it; and a first look at it, which in most is the stale one. */
NOINLINE static char *make(size_t size)
{
	char *p = (char *)malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static void drop(void *p)
{
	free(p);
	KEEP();
}

NOINLINE static int look(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

/*
 * Between the free and the stale use. In the modes that kill later the runner sets BUG_SETTLE:
 * then this passes the bounds that it gave (64 frees, 20 ms), so that the block is dead after.
 */
static inline void settle(void)
{
	struct timespec t = {0, 30 * 1000 * 1000};
	void *volatile p;
	int round, i;

	if (!getenv("BUG_SETTLE"))
		return;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 2000; i++) {
			p = malloc(i % 512 + 1);
			free(p);
		}
		if (round == 0)
			nanosleep(&t, NULL);
	}
}

/* Exit status that tells how pid ended. */
static inline int verdict_of(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return 100;
	if (WIFEXITED(st))
		return WEXITSTATUS(st);
	return WTERMSIG(st) == SIGSEGV ? SAW_SEGV : WTERMSIG(st) == SIGABRT ? SAW_ABRT : 101;
}

/* Runs fn in a thread of its own and waits for it. */
static inline void *in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *ret = NULL;

	if (pthread_create(&t, NULL, fn, arg) || pthread_join(t, &ret))
		exit(102);
	return ret;
}

#endif
