// expect: kind=use-after-free access=SYSCALL call=writev offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// A freed buffer inside an iovec: one level down.
#include "bug.h"
#include <sys/uio.h>

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
	char local[8] = "local";
	struct iovec v[2] = {{local, sizeof(local)}, {p, 64}};
	int fds[2], ok;

	if (pipe(fds))
		return 9;
	ok = writev(fds[1], v + 1, 1) == 64 && writev(fds[1], v, 2) == 72;
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
