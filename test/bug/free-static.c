// expect: kind=invalid-free what=module call=free status=134
// expect: use=drop>main
// A static array.
#include "bug.h"

static char block[4096];

int main(void)
{
	char *p = TWIN ? malloc(64) : block;

	HIDE(p);
	drop(p);
	return 0;
}
