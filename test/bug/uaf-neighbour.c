// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// only: strict
// One dead block between two live ones in the same row: it is dead alone, they live on.
#include "bug.h"

int main(void)
{
	char *before = make(40), *p = make(40), *after = make(40);
	int ok;

	if (!TWIN)
		drop(p);
	memset(before, 'b', 40);
	memset(after, 'a', 40);
	ok = before[39] == 'b' && after[0] == 'a';
	look(p);
	if (TWIN)
		drop(p);
	drop(before);
	drop(after);
	return !ok;
}
