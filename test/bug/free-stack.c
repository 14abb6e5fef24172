// expect: kind=invalid-free what=stack call=free status=134
// expect: use=drop>main
// A local array.
#include "bug.h"

int main(void)
{
	char local[64];
	char *p = TWIN ? malloc(64) : local;

	HIDE(p);
	memset(p, 0, 64);
	drop(p);
	return 0;
}
