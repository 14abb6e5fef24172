// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>main free=fail>main alloc=make>main
// An error path that frees and jumps out; the normal path uses the block.
#include "bug.h"
#include <setjmp.h>

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

static jmp_buf out;

NOINLINE static void fail(char *p)
{
	if (!TWIN)
		free(p);
	longjmp(out, 1);
}

int main(void)
{
	static char *p;

	p = make(40);
	if (!setjmp(out))
		fail(p);
	settle();
	use(p);
	if (TWIN)
		free(p);
	return 0;
}
