// expect: kind=use-after-free access=WRITE bytes=8 offset=4194304 block=8388608 status=139
// expect: use=poke>main free=grow>main alloc=make>main moved=yes
// realloc of a huge block moves its pages, not its bytes: the old addresses are dead all the same.
#include "bug.h"

NOINLINE static char *grow(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

NOINLINE static void poke(char *p)
{
	*(volatile long *)(p + 4194304) = 1;
	KEEP();
}

int main(void)
{
	char *p = make(8388608), *q = grow(p, 67108864);

	if (q[0] != 'x' || q[8388607] != 'x' || q[67108863] != 0)
		return 3;
	settle();
	poke(TWIN ? q : p);
	free(q);
	return 0;
}
