// expect: kind=use-after-free access=READ bytes=1 offset=8 block=600000 status=139
// expect: use=use>main free=change>main alloc=make>main moved=yes
// A large block that grows by a page: its old addresses are dead all the same.
// moved: where nothing is recorded it stays in place, and the program has no bug
#include "bug.h"

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

NOINLINE static char *change(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(600000), *q;

	HIDE(p);
	q = change(p, 604000);
	if (q == p && !TWIN)
		return 7;
	if (q[0] != 'x' || q[599999] != 'x')
		return 8;
	settle();
	use(TWIN ? q : p);
	free(q);
	return 0;
}
