// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>main
// host-only: the next malloc's blocks need not be in order
// The neighbour that malloc will hand out next.
#include "bug.h"

int main(void)
{
	char *p = make(64), *q = make(64);

	drop(TWIN ? p : q + (q - p));
	return 0;
}
