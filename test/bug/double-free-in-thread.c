// expect: kind=double-free call=free offset=0 block=100000 status=134
// expect: use=drop>other free=drop>main alloc=make>main threads=alloc:a,free:a,use:b
// The second free is the thread's: SIGABRT is raised there and ends the process.
#include "bug.h"

NOINLINE static void *other(void *p)
{
	drop(p);
	KEEP();
	return NULL;
}

int main(void)
{
	char *p = make(100000);

	if (!TWIN)
		drop(p);
	in_thread(other, p);
	return 0;
}
