// expect: kind=use-after-free access=READ bytes=1 offset=8 block=150000 status=139
// expect: use=look>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// The same with large blocks: 2000 of them came and went.
#include "bug.h"

int main(void)
{
	char *p = make(150000);
	int i;

	if (!TWIN)
		drop(p);
	for (i = 0; i < 2000; i++)
		drop(make(150000));
	settle();
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
