// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>child free=drop>child alloc=make>child
// each: execve HOW=1: fork and exec
// each: spawn HOW=2: posix_spawn
// each: system HOW=3: through /bin/sh
// The program starts itself: the new one is protected as well.
#include "bug.h"
#include <spawn.h>

extern char **environ;

NOINLINE static int child(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}

static int by_system(const char *self)
{
	char line[5000];
	int st;

	snprintf(line, sizeof(line), "exec '%s' child", self);
	st = system(line);
	return WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV ? SAW_SEGV : WEXITSTATUS(st);
}

NOINLINE static int parent(char *self)
{
	char *argv[] = {self, "child", NULL};
	pid_t pid;

	if (HOW == 3)
		return by_system(self);
	if (HOW == 2 && posix_spawn(&pid, self, NULL, NULL, argv, environ))
		return 9;
	if (HOW == 1 && !(pid = fork())) {
		execv(self, argv);
		_exit(9);
	}
	return verdict_of(pid);
}

int main(int argc, char **argv)
{
	return argc > 1 ? child() : parent(argv[0]);
}
