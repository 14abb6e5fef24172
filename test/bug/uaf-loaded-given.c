// expect: kind=use-after-free call=CALL loaded=yes offset=8 block=64 moved=no status=STATUS
// expect: use=use>main free=drop>main alloc=allocate>main threads=alloc:a,free:a,use:a
// only: deferred,rows
// host-only: in ring 0 nothing waits to die
// options: defer-ms=3600000:defer-frees=16777216:poison
// each: free CALL=free STATUS=134 HOW=1: freed
// each: realloc CALL=realloc STATUS=134 HOW=2: and resized
// each: size CALL=malloc_usable_size STATUS=134 HOW=3: and measured
// each: write CALL=write STATUS=139 HOW=4: and given to a system call
// A pointer is loaded from a freed block that is not dead yet, and given to a function.
#include "bug.h"

#include <malloc.h>

NOINLINE static void **allocate(void)
{
	void **p = malloc(64);

	HIDE(p);
	for (int i = 0; i < 8; i++)
		p[i] = NULL;
	KEEP();
	return p;
}

NOINLINE static void use(void **p)
{
	void *q = p[1];

	if (HOW == 1)
		free(q);
	else if (HOW == 2)
		free(realloc(q, 100));
	else if (HOW == 3)
		malloc_usable_size(q);
	else if (q)
		write(1, q, 8);
	KEEP();
}

int main(void)
{
	void **p = allocate();

	if (!TWIN)
		drop(p);
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
