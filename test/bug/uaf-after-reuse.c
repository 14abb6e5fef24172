// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The memory is long in use again by others of the same size: the stale address still faults.
#include "bug.h"

int main(void)
{
	static char *others[5000];
	char *p = make(40);
	int i;

	if (!TWIN) {
		drop(p);
		settle();
	}
	for (i = 0; i < 5000; i++)
		others[i] = make(40);
	for (i = 0; i < 5000; i++)
		if (others[i] == p)
			return 5;
	look(p);
	for (i = 0; i < 5000; i++)
		drop(others[i]);
	if (TWIN)
		drop(p);
	return 0;
}
