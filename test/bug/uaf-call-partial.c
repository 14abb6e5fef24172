// expect: kind=use-after-free access=SYSCALL call=read arg=2 offset=16 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// read into the middle of a freed struct.
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

NOINLINE static int use(char *p)
{
	int fds[2], ok;

	if (pipe(fds) || write(fds[1], "12345678", 8) != 8)
		return 9;
	ok = read(fds[0], p + 16, 8) == 8;
	KEEP();
	return ok ? 0 : 8;
}

int main(void)
{
	char *p = make(64);
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(p);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
