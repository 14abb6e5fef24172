// expect: kind=use-after-free access=READ bytes=1 block=100 offset=* what=dead status=139
// expect: use=run>main free=drop>main alloc=make>main before=make>main
// host-only: the next malloc's blocks need not be in order
// only: strict,deferred,rows
// rows: before=-
// A loop that runs on behind its own live block, into a neighbour that is dead.
#include "bug.h"

NOINLINE static int run(const volatile char *p, int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		sum += p[i];
	KEEP();
	return sum;
}

int main(void)
{
	char *p[20];

	for (int i = 0; i < 20; i++)
		p[i] = make(100);
	drop(p[11]);
	settle();
	run(p[10], TWIN ? 100 : 8192);
	for (int i = 0; i < 20; i++)
		if (i != 11)
			drop(p[i]);
	return 0;
}
