// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>main free=drop>main alloc=make>main
// Children came and went with copies of the block; then the parent errs.
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

int main(void)
{
	char *p = make(40);
	int i;

	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			use(p);
			drop(p);
			_exit(0);
		}
		if (verdict_of(pid))
			return 9;
	}
	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
