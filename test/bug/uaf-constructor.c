// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>early free=drop>early alloc=make>early
// All of it before main.
#include "bug.h"

__attribute__((constructor)) NOINLINE static void early(void)
{
	char *p = make(40);

	if (!TWIN) {
		drop(p);
		settle();
	}
	look(p);
	if (TWIN)
		drop(p);
	KEEP();
}

int main(void)
{
	return 0;
}
