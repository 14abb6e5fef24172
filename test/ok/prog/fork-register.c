// A program that registers handlers of forks itself, in libc's place, and calls them around its own
// clone, as Firefox does: nothing waits for itself, and blocks are there in both.
// also: strict
#include "ok.h"

static void (*prepare[20])(void), (*parent[20])(void), (*child[20])(void);
static int handlers;

int __register_atfork(void (*a)(void), void (*b)(void), void (*c)(void), void *dso)
{
	prepare[handlers] = a;
	parent[handlers] = b;
	child[handlers++] = c;
	return 0;
}

static void all(void (*f[])(void))
{
	for (int i = 0; i < handlers; i++)
		if (f[i])
			f[i]();
}

static int seen;

static void look(void)
{
	seen++;
}

static char *block;

static int in_clone(void *arg)
{
	all(child);
	free(block);
	block = malloc(1000);
	return block && seen == 2 ? 5 : 6;
}

int main(void)
{
	char *stack;
	int status, pid;

	crowd();
	stack = malloc(65536);
	pthread_atfork(look, look, look);
	for (int i = 0; i < 10; i++) {
		seen = 0;
		block = malloc(100);
		all(prepare);
		pid = clone(in_clone, stack + 65536, SIGCHLD, NULL);
		check(pid > 0);
		all(parent);
		check(seen == 2);
		free(block);
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		say("%d", WEXITSTATUS(status));
	}
	pid = fork();
	if (!pid)
		_exit(malloc(10) ? 3 : 4);
	check(waitpid(pid, &status, 0) == pid);
	say("%d", WEXITSTATUS(status));
	return done();
}
