// expect: kind=use-after-free access=WRITE bytes=1 offset=100008 block=200000 status=42
// expect: use=use>child free=drop>child alloc=make>main
// The child frees what the parent allocated and uses it; the parent's own copy stays whole.
#include "bug.h"

NOINLINE static void use(char *p)
{
	((volatile char *)p)[100008] = 'y';
	KEEP();
}

NOINLINE static int child(char *p)
{
	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	return 0;
}

int main(void)
{
	char *p = make(200000);
	pid_t pid = fork();
	int r;

	if (!pid)
		_exit(child(p));
	r = verdict_of(pid);
	if (p[100008] != 'x' || p[0] != 'x' || p[199999] != 'x')
		return 3;
	drop(p);
	return r;
}
