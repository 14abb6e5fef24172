// What exec, clone, signal and memory calls answer to wrong arguments that are no dead blocks, and exec
// while other threads exchange the blocks that its arguments lie in.
// host-only: conform has such calls in ring 0
#include "ok.h"

#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern char **environ;
static char *nowhere = (char *)-4096;

static void answer(const char *what, long r)
{
	int e = errno;

	say("%s: %ld %s", what, r, r < 0 ? strerror(e) : "");
}

static char *file_of(const char *name, int mode, const char *text)
{
	char *path = strdup(name);
	int fd;

	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	chmod(path, (mode_t)mode);
	return path;
}

static void exec_errors(void)
{
	char *text = file_of("plain", 0644, "x"), *bad = file_of("bad", 0755, "no program"), *loop;
	char **argv = calloc(3, sizeof(*argv)), **many = calloc(101, sizeof(*many));
	char *name = malloc(5000), *large = malloc(200000);

	argv[0] = strdup("name");
	unlink("loop");
	check(!symlink("loop", "loop"));
	loop = strdup("loop");
	memset(name, 'n', 4999);
	name[4999] = 0;
	memset(large, 'a', 199999);
	large[199999] = 0;
	for (int i = 0; i < 100; i++)
		many[i] = large;
	answer("none", execve("no such file", argv, environ));
	answer("not executable", execve(text, argv, environ));
	answer("no program", execve(bad, argv, environ));
	answer("its part is a file", execve("plain/x", argv, environ));
	answer("loop", execve(loop, argv, environ));
	answer("long name", execve(name, argv, environ));
	answer("long argument", execve("/bin/true", many, environ));
	answer("long environment", execve("/bin/true", argv, many));
	answer("folder", execv("/tmp", argv));
	answer("path nowhere", execve(nowhere, argv, environ));
	answer("arguments nowhere", execve("/bin/true", (char **)nowhere, environ));
	argv[1] = nowhere;
	answer("one argument nowhere", execve("/bin/true", argv, environ));
	answer("search", execvp("no-such-program-at-all", argv));
	free(name);
	free(large);
	free(many);
}

static int in_clone(void *arg)
{
	free(malloc(100));
	*(volatile int *)arg = 5;
	return 7;
}

static void clone_calls(void)
{
	char *stack = malloc(65536), *top = stack + 65536;
	int *word = calloc(1, sizeof(*word)), st;
	pid_t tid = 0, kid;

	answer("no function", clone(NULL, top, SIGCHLD, word));
	answer("no stack", clone(in_clone, NULL, SIGCHLD, word));
	answer("handlers without memory", clone(in_clone, top, CLONE_SIGHAND | SIGCHLD, word));
	answer("thread without handlers", clone(in_clone, top, CLONE_THREAD | SIGCHLD, word));
	kid = clone(
		in_clone, top, CLONE_FILES | CLONE_FS | CLONE_PARENT_SETTID | SIGCHLD, word, &tid);
	check(kid > 0 && tid == kid && waitpid(kid, &st, 0) == kid);
	say("copied: %d, status %d", *word, WEXITSTATUS(st));
	kid = clone(in_clone, top, CLONE_VM | CLONE_VFORK | SIGCHLD, word);
	check(kid > 0 && waitpid(kid, &st, 0) == kid);
	say("shared: %d, status %d", *word, WEXITSTATUS(st));
	free(stack);
	free(word);
}

static void memory_calls(void)
{
	char *p = aligned_alloc(4096, 8 * 4096);
	unsigned char vec[8];

	answer("mprotect inside a page", mprotect(p + 1, 4096, PROT_READ));
	answer("munmap inside a page", munmap(p + 1, 4096));
	answer("munmap of nothing", munmap(p, 0));
	answer("madvise unknown", madvise(p, 4096, 999));
	answer("mincore inside a page", mincore(p + 1, 4096, vec));
	answer("mincore to nowhere", mincore(p, 4096, (unsigned char *)nowhere));
	answer("mremap inside a page", (long)mremap(p + 1, 4096, 8192, 0) < 0 ? -1 : 0);
	answer("mlock of a block", mlock(p, 4096));
	answer("munlock of a block", munlock(p, 4096));
	answer("msync inside a page", msync(p + 1, 4096, MS_SYNC));
	free(p);
}

static void signal_calls(void)
{
	struct sigaction *sa = calloc(1, sizeof(*sa));
	sigset_t *set = calloc(1, sizeof(*set));
	siginfo_t *si = calloc(1, sizeof(*si));
	struct timespec none = {0};

	sa->sa_handler = SIG_IGN;
	answer("action of no signal", sigaction(0, sa, NULL));
	answer("action of 65", sigaction(65, sa, NULL));
	answer("action of SIGKILL", sigaction(SIGKILL, sa, NULL));
	answer("mask how", sigprocmask(99, set, NULL));
	answer("wait for nothing", sigtimedwait(set, si, &none));
	answer("kill nobody", kill(0x3fffffff, 0));
	answer("kill by 65", kill(getpid(), 65));
	answer("queue to nobody", sigqueue(0x3fffffff, 0, (union sigval){0}));
	sigaddset(set, SIGUSR1);
	check(!sigprocmask(SIG_BLOCK, set, NULL) &&
		!sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 9}));
	answer("wait for one", sigwaitinfo(set, si) == SIGUSR1 ? si->si_value.sival_int : -1);
	free(sa);
	free(set);
	free(si);
}

enum { ARGS = 60, EXECS = 20, EACH = 2000 };
static char *volatile args[ARGS + 1];
static volatile int execs, stop;

/* For each exec so many new strings, however long it takes; then those that are there, by turns. */
static void *tear(void *arg)
{
	static char *made[2][(EXECS + 1) * EACH];
	char **mine = made[(long)arg], *s;
	int all = 0;

	for (unsigned n = (unsigned)(long)arg; !stop; n += 7) {
		if (all < (execs + 1) * EACH) {
			s = mine[all++] = malloc(20 + n % 300);
			memset(s, 'x', 19);
			s[19] = 0;
		} else {
			s = mine[n % (unsigned)all];
		}
		args[1 + n % (ARGS - 1)] = s; /* what was there stays: exec may be reading it */
	}
	return arg;
}

static void exec_torn(void)
{
	pthread_t t[2];
	int ran = 0, st;

	for (int i = 0; i < ARGS; i++)
		args[i] = strdup("true");
	for (long i = 0; i < 2; i++)
		check(!pthread_create(&t[i], NULL, tear, (void *)i));
	for (; execs < EXECS; execs++) {
		pid_t kid = vfork();

		if (!kid) {
			execve("/bin/true", (char **)(void *)args, (char **)(void *)args);
			_exit(99);
		}
		check(waitpid(kid, &st, 0) == kid);
		ran += st == 0;
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	say("%d of %d ran", ran, EXECS);
}

/* The ways to exec that take their arguments one by one, and the one that searches with an environment. */
#define SAY "echo \"$0 $* and $X\""

static int do_execl(void)
{
	return execl(strdup("/bin/sh"), "sh", "-c", strdup(SAY), "0", "1", "2", "3", "4", "5",
		(char *)NULL);
}

static int do_execlp(void)
{
	return execlp(
		strdup("sh"), "sh", "-c", strdup(SAY), "0", "1", "2", "3", "4", "5", (char *)NULL);
}

static int do_execle(void)
{
	char *env[] = {strdup("X=its own"), NULL};

	return execle("/bin/sh", "sh", "-c", strdup(SAY), "0", "1", "2", "3", "4", "5",
		(char *)NULL, env);
}

static int do_execvpe(void)
{
	char *env[] = {strdup("X=its own"), NULL},
	     *argv[] = {"sh", "-c", strdup(SAY), "0", "1", NULL};

	return execvpe("sh", argv, env);
}

static void exec_lists(void)
{
	setenv("X", "the program's", 1);
	in_child("execl", do_execl);
	in_child("execlp", do_execlp);
	in_child("execle", do_execle);
	in_child("execvpe", do_execvpe);
}

int main(void)
{
	exec_lists();
	exec_errors();
	clone_calls();
	memory_calls();
	signal_calls();
	exec_torn();
	return done();
}
