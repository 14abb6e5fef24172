/*
 * ok.h - for the programs of test/ok/prog: what they say must be the same with and without us.
 *
 * say() prints a line at once (a child killed later loses nothing); check() prints a line only if
 * the condition fails, and makes the exit status 1; in_child() runs a function in a child and
 * says how that ended.
 */
#ifndef OK_H
#define OK_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define UNUSED	   __attribute__((unused))
#define ARRAY_N(a) (sizeof(a) / sizeof((a)[0]))
#define HIDE(p)	   __asm__ volatile("" : "+r"(p)::"memory")

static int failures;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...) UNUSED;
static void say(const char *fmt, ...)
{
	char line[1000];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(1, line, n) < 0)
		_exit(99);
}

static inline void check_at(int good, const char *what, const char *file, int line)
{
	if (good)
		return;
	failures++;
	say("not ok %s:%d: %s", file, line, what);
}

#define check(cond) check_at(!!(cond), #cond, __FILE__, __LINE__)

static inline int done(void)
{
	say("%s", failures ? "failed" : "all as expected");
	return failures != 0;
}

static inline int wait_for(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return -1;
	return st;
}

static void say_end(const char *name, int st) UNUSED;
static void say_end(const char *name, int st)
{
	if (WIFEXITED(st))
		say("%s: exit %d", name, WEXITSTATUS(st));
	else
		say("%s: signal %d", name, WTERMSIG(st));
}

static void in_child(const char *name, int (*fn)(void)) UNUSED;
static void in_child(const char *name, int (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		failures = 0;
		_exit(fn());
	}
	say_end(name, wait_for(pid));
}

/* Runs fn on a stack of so many bytes from malloc. */
static ucontext_t on_block_back UNUSED;
static void on_block(void (*fn)(void), size_t size) UNUSED;
static void on_block(void (*fn)(void), size_t size)
{
	void *stack = malloc(size);
	ucontext_t co;

	getcontext(&co);
	co.uc_stack.ss_sp = stack;
	co.uc_stack.ss_size = size;
	co.uc_link = &on_block_back;
	makecontext(&co, fn, 0);
	swapcontext(&on_block_back, &co);
	free(stack);
}

/* A thread that is there; arg is not NULL. */
static void *idle_thread(void *arg) UNUSED;
static void *idle_thread(void *arg)
{
	while (arg)
		pause();
	return arg;
}

/* Memory of the process in kB, its share of what it shares; 0 where the kernel does not say. */
static long memory_kb(void) UNUSED;
static long memory_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[200];
	long kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Pss:", 4))
			kb = atol(line + 4);
	if (f)
		fclose(f);
	return kb;
}

static void lives(size_t size, int n)
{
	while (n--) {
		void *p = malloc(size);

		HIDE(p);
	}
}

/*
 * In strict and deferred, what is allocated from here on is shared memory, of which a fork makes a copy: so
 * many blocks live that no more of them get private pages, and of each size what was left of such is taken.
 */
static void crowd(void) UNUSED;
static void crowd(void)
{
	const char *o = getenv("UNDANGLE_OPTIONS");

	if (!o || !(strstr(o, "strict") || strstr(o, "deferred")))
		return;
	/* Each fork is a new beginning. */
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		check(pid > 0 && wait_for(pid) == 0);
		lives(24, 1500);
	}
	for (size_t size = 16; size <= 32768; size += size < 128 ? 16 : size / 8)
		lives(size, 64);
}

/* Two threads leave the n-th meeting at *count at the same instant, as near as two can. */
static void meet(int *count, int n) UNUSED;
static void meet(int *count, int n)
{
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
	for (long spins = 1; __atomic_load_n(count, __ATOMIC_SEQ_CST) < 2 * n; spins++)
		if (spins % 10000 == 0)
			sched_yield(); /* there may be less than two processors for us */
}

/* Small and fast; every caller has its own state. */
static inline uint32_t random_next(uint64_t *s)
{
	*s = *s * 6364136223846793005UL + 1442695040888963407UL;
	return *s >> 33;
}

#endif
