// expect: kind=use-after-free access=WRITE bytes=1 offset=8 block=40 status=42
// expect: use=use>child free=drop>child alloc=make>main
// The same with a small block: rows of the child and of the parent are separate memory.
#include "bug.h"

NOINLINE static void use(char *p)
{
	((volatile char *)p)[8] = 'y';
	KEEP();
}

NOINLINE static int child(char *p, char *q)
{
	memset(q, 'c', 40);
	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	return 0;
}

int main(void)
{
	char *p = make(40), *q = make(40);
	pid_t pid = fork();
	int r;

	if (!pid)
		_exit(child(p, q));
	r = verdict_of(pid);
	if (p[8] != 'x' || q[0] != 'x' || q[39] != 'x')
		return 3;
	drop(p);
	drop(q);
	return r;
}
