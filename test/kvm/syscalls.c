/*
 * syscalls.c - syscalls PROG ARGS...: how many system calls PROG and its threads make.
 *
 * Without those that ask the clock: how many these are is a matter of how long PROG takes, and so of who else runs.
 * More than base/clock.c and a start need are an error.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define OPTIONS                                                                                 \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
		PTRACE_O_TRACEVFORK)

/* One in so many ticks of the time stamp counter, and these. */
#define CLOCK_TICKS (1UL << 20)
#define CLOCK_MORE  8

static int is_clock(pid_t p)
{
	return ptrace(PTRACE_PEEKUSER, p, sizeof(long) * ORIG_RAX, 0) == SYS_clock_gettime;
}

int main(int argc, char **argv)
{
	unsigned long stops = 0, clocks = 0, begun = __rdtsc(), most;
	int status, sig;
	pid_t child = fork(), p;

	if (argc < 2 || child < 0)
		return 2;
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
		return 1;
	ptrace(PTRACE_SETOPTIONS, child, 0, OPTIONS);
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	while ((p = waitpid(-1, &status, __WALL)) > 0) {
		if (p == child && WIFEXITED(status) && WEXITSTATUS(status))
			return 1;
		if (!WIFSTOPPED(status))
			continue;
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80))
			(*(is_clock(p) ? &clocks : &stops))++;
		/* Stops of ptrace's own are not the program's signals. */
		if (sig == (SIGTRAP | 0x80) || sig == SIGTRAP || sig == SIGSTOP)
			sig = 0;
		ptrace(PTRACE_SYSCALL, p, 0, (long)sig);
	}
	/* each one stops twice */
	printf("%lu\n", stops / 2);
	most = (__rdtsc() - begun) / CLOCK_TICKS + CLOCK_MORE;
	if (clocks / 2 > most)
		fprintf(stderr, "syscalls: %lu times the clock, at most %lu are expected\n",
			clocks / 2, most);
	return clocks / 2 > most;
}
