// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=use>child free=drop>child alloc=make>child
// fork and exec: the new program is protected as well.
#include "bug.h"

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
	pid_t pid = fork();

	if (!pid) {
		execl(self, self, "child", (char *)NULL);
		_exit(9);
	}
	return verdict_of(pid);
}

int main(int argc, char **argv)
{
	return argc > 1 ? child() : parent(argv[0]);
}
