// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 moved=no status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// only: adaptive,bare
// A place that frees for the first time, after another one has used up all that the budget gives.
#include "bug.h"

NOINLINE static void busy(void)
{
	for (int i = 0; i < 300000; i++) {
		void *p = malloc(64);

		HIDE(p);
		free(p);
	}
	KEEP();
}

int main(void)
{
	char *p = make(40);

	busy();
	if (!TWIN)
		drop(p);
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
