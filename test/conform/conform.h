/*
 * conform.h - what a conformance case may use.
 *
 * A case is a function that prints a transcript with say(); run natively and in Dune (or under any
 * other wrapper) the two transcripts and exit statuses must be equal. So nothing may be printed
 * that differs between two native runs: no addresses, pids, times; a comparison of them instead.
 * Each case runs in a process of its own and must end by itself on a machine a hundred times slower
 * than this one: no sleeping to win a race, wait for the state instead.
 *
 * Deliberately not asked of Dune, because ring 0 cannot have it: #AC alignment checks, the fault of
 * a privileged instruction (cli, rdmsr, mov cr), kernel addresses, and rseq.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct conform_case {
	const char *name; /* with a leading dot: only reached by exec from another case */
	void (*fn)(void);
};

/* By the name of its function. */
#define CONFORM(f)                  \
	{                           \
		.name = #f, .fn = f \
	}

extern const struct conform_case signal_cases[], restart_cases[], ends_cases[], siginfo_cases[],
	context_cases[], fault_cases[], memory_cases[], code_cases[], thread_cases[],
	process_cases[], exec_cases[], fd_cases[], time_cases[], arch_cases[], entry_cases[],
	refused_cases[], blocks_cases[], ipc_cases[], tasks_cases[], watched_cases[];

/* What a caught synchronous signal said. */
struct fault {
	int sig, code;
	uintptr_t addr, rip, cr2;
	long trapno, err;
};

extern int conform_argc;
extern char **conform_argv; /* of the exec-ed process: [0] the case, then the words given to
			       conform_exec */

/* One line of transcript, in one write. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What a call returned, with errno's name if that is negative. (Arguments have no order: never
 * errno itself.) */
const char *result(long rc);
/* A line of what a call returned, the first %s, and of what it left behind: the call is made first. */
#define say_after(call, ...) say_of(result(call), __VA_ARGS__)
#define say_of(r, fmt, ...)                  \
	do {                                 \
		const char *r_ = r;          \
		say(fmt, r_, ##__VA_ARGS__); \
	} while (0)
/* Ends the process with status 99 and the reason: the case cannot go on. */
void die(const char *what) __attribute__((noreturn));
#define must(x) ((x) ? (void)0 : die(#x))
/* "what: exit 3" / "what: killed by SEGV" / "what: stopped by STOP" / "what: continued". */
void say_status(const char *what, int status);
/* Waits for the child and says its status. */
void say_wait(const char *what, pid_t pid);
/* Forks; the child runs fn(arg) and leaves with status 0 if fn returns. */
pid_t child_start(void (*fn)(void *), void *arg);
/* Starts a thread, or death. */
pthread_t thread_start(void *(*fn)(void *), void *arg);
/* Sleeps until the task (of this or another process) has been asleep for some samples in a row. */
void wait_asleep(pid_t pid, pid_t tid);
/* Forks a helper that sends sig to this thread's process each time it has fallen asleep, n times.
 */
pid_t poke_asleep(int sig, int n);
/* Executes this program again to run the (dotted) case with up to two words; returns only on
 * failure. */
void conform_exec(const char *name, const char *a, const char *b);
/* Installs a handler with SA_SIGINFO | flags, nothing blocked. */
void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags);
/* Runs fn(arg); if a synchronous signal comes, fills f and returns 1. The signal's handler runs on
 * flags. */
int fault_try(void (*fn)(void *), void *arg, struct fault *f);
/* The same and says it: signal, code, and the address as an offset from base. */
void say_fault(const char *what, void (*fn)(void *), void *arg, const void *base);
/* One byte, for these two. */
void load(void *p);
void store(void *p);
/* Anonymous private pages, or death. */
char *pages(size_t bytes, int prot);
/* An address where nothing is; the compiler cannot know. */
void *nowhere(void);
/* A block of the heap, of zeros, between dead neighbours: by turns from malloc, calloc, posix_memalign, and
 * moved by realloc just now; or death. */
void *block(size_t bytes);
/* The event is told to a thread, which adds one to *count; returns when n more were told. */
void notes_to(struct sigevent *e, int *count);
void notes_wait(int n);
/* Makes a folder and writes its real path, of PATH_MAX bytes at most. */
void temp_dir(char *path);
/* An unlinked temporary file of that size, or death. */
int temp_file(size_t bytes);

#endif
