// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>other
// options: stacks=off
// host-only: the next malloc's blocks need not be in order
// The neighbour that another thread's malloc will hand out next, where nothing is recorded.
#include "bug.h"

NOINLINE static void *other(void *p)
{
	drop(make(64)); /* it has some of that size of its own */
	drop(p);
	KEEP();
	return p;
}

int main(void)
{
	char *p = make(64), *q = make(64);

	in_thread(other, TWIN ? p : q + (q - p));
	return 0;
}
