// expect: kind=invalid-free what=unmapped call=free status=134
// expect: use=drop>main
// A non-canonical number.
#include "bug.h"

int main(void)
{
	char *p = TWIN ? NULL : (char *)0xdeadbeefdeadbee0;

	HIDE(p);
	drop(p);
	return 0;
}
