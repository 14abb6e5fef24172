// Children that no handler of pthread_atfork knows of: clone without CLONE_VM, _Fork, and the bare
// system calls; on stacks from malloc, from coroutines, with and without other threads.
// also: strict
#include "ok.h"
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>

pid_t _Fork(void);

static char *shared;

static int child(void *arg)
{
	char *p = malloc(200);

	check(!strcmp(shared, "of both"));
	check(!strcmp(arg, "argument"));
	strcpy(shared, "of me");
	strcpy(p, shared);
	free(shared);
	shared = realloc(p, 100000);
	check(!strcmp(shared, "of me"));
	free(shared);
	free(calloc(1, 3000000));
	return failures ? 1 : 42;
}

static void over(pid_t pid, const char *what)
{
	int status = 0;

	check(pid > 0 && waitpid(pid, &status, __WALL) == pid);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	check(!strcmp(shared, "of both"));
	say("%s", what);
}

static void by_clone(size_t stack, int flags, const char *what)
{
	char *mem = malloc(stack);
	char *arg = strdup("argument");
	int tid = 0;

	over(clone(child, mem + stack, SIGCHLD | CLONE_PARENT_SETTID | flags, arg, &tid), what);
	check(tid > 0);
	free(arg);
	free(mem);
}

static void all(void)
{
	struct clone_args a = {.exit_signal = SIGCHLD};
	char *arg = strdup("argument");
	pid_t pid;

	pid = (pid_t)syscall(SYS_fork);
	if (!pid)
		_exit(child(arg));
	over(pid, "fork");
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(child(arg));
	over(pid, "clone");
	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(child(arg));
	if (pid < 0 && errno == ENOSYS) { /* so it is in ring 0, and natively in many a container */
		say("clone3");
	} else {
		over(pid, "clone3");
		check(syscall(SYS_clone3, &a, 1) == -1 && errno == EINVAL);
	}
	check(syscall(SYS_clone, SIGCHLD | CLONE_SIGHAND, NULL) == -1 && errno == EINVAL);
	pid = _Fork();
	if (!pid)
		_exit(child(arg));
	over(pid, "_Fork");
	by_clone(20000, 0, "clone() on a small stack");
	by_clone(200000, 0, "clone() on a medium stack");
	by_clone(1 << 20, 0, "clone() on a large stack");
	by_clone(100000, CLONE_VFORK, "clone() like vfork, with memory of its own");
	free(arg);
}

int main(void)
{
	pthread_t t;

	crowd();
	shared = strdup("of both");
	all();
	say("from a coroutine:");
	on_block(all, 65536);
	check(pthread_create(&t, NULL, idle_thread, shared) == 0);
	say("with another thread:");
	all();
	on_block(all, 65536);
	free(malloc(10));
	return done();
}
