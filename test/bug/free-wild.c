// expect: kind=invalid-free what=unmapped call=free status=134
// expect: use=drop>main
// A number that never was a pointer.
#include "bug.h"

int main(void)
{
	char *p = TWIN ? NULL : (char *)0x12345670;

	HIDE(p);
	drop(p);
	return 0;
}
