// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=use>child free=drop>child alloc=make>child
// posix_spawn of the program itself: the child is protected as well.
#include "bug.h"
#include <spawn.h>

extern char **environ;

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

NOINLINE static int child(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}

NOINLINE static int parent(char *self)
{
	char *argv[] = {self, "child", NULL};
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		return 9;
	return verdict_of(pid);
}

int main(int argc, char **argv)
{
	return argc > 1 ? child() : parent(argv[0]);
}
