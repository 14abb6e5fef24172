// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=fail>main alloc=make>main
// An error path that frees and jumps out; the normal path uses the block.
#include "bug.h"
#include <setjmp.h>

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
	look(p);
	if (TWIN)
		free(p);
	return 0;
}
