// expect: kind=use-after-free access=READ bytes=1 offset=8 block=FROM status=139
// expect: use=look>main free=change>main alloc=make>main moved=yes
// each: less FROM=100 TO=90: it stays in its size class
// each: large-less FROM=3000000 TO=700000: no other has as many pages
// each: shrink FROM=500000 TO=16: to much less
// each: moved FROM=40 TO=100000: to much more
// each: more FROM=600000 TO=604000: by a page
// A realloc to another size: the old addresses are dead.
// moved: where nothing is recorded it stays in place, and the program has no bug
#include "bug.h"

NOINLINE static char *change(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(FROM), *q;

	HIDE(p);
	q = change(p, TO);
	if (q == p && !TWIN)
		return 7;
	if (q[0] != 'x' || q[(FROM < TO ? FROM : TO) - 1] != 'x')
		return 8;
	settle();
	look(TWIN ? q : p);
	free(q);
	return 0;
}
