// expect: kind=invalid-free what=interior call=realloc offset=16 block=100 status=134
// expect: use=grow>main alloc=make>main
// realloc of a pointer into the middle of a live block.
#include "bug.h"

NOINLINE static char *grow(char *p, size_t size)
{
	char *q = realloc(p, size);

	HIDE(q);
	KEEP();
	return q;
}

int main(void)
{
	char *p = make(100);

	free(grow(TWIN ? p : p + 16, 200));
	return 0;
}
