/* syscalls.c - syscalls PROG ARGS...: how many system calls PROG and its threads make. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                 \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
		PTRACE_O_TRACEVFORK)

int main(int argc, char **argv)
{
	unsigned long stops = 0;
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
		stops += sig == (SIGTRAP | 0x80);
		/* Stops of ptrace's own are not the program's signals. */
		if (sig == (SIGTRAP | 0x80) || sig == SIGTRAP || sig == SIGSTOP)
			sig = 0;
		ptrace(PTRACE_SYSCALL, p, 0, (long)sig);
	}
	printf("%lu\n", stops / 2); /* each one stops twice */
	return 0;
}
