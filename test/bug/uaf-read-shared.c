// expect: kind=use-after-free access=READ bytes=1 offset=4400 block=4500 status=139
// expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// A block of a little more than a page: four of them share five pages of memory, and its neighbours
// there live on.
#include "bug.h"

NOINLINE static void use(char *p)
{
	(void)*(volatile char *)(p + 4400);
	KEEP();
}

int main(void)
{
	enum { BLOCKS = 600 }; /* all rows of what they share */
	static char *all[BLOCKS];

	for (int i = 0; i < BLOCKS; i++)
		all[i] = make(4500);
	if (!TWIN)
		drop(all[300]);
	settle();
	for (int i = 0; i < BLOCKS; i++)
		for (int k = 0; k < 4500 && (TWIN || i != 300); k++)
			if (all[i][k] != 'x')
				return 3;
	use(all[300]);
	if (TWIN)
		drop(all[300]);
	return 0;
}
