// expect: kind=invalid-free what=before call=free offset=-16 block=136 status=134
// expect: use=drop>main alloc=make>main
// host-only: the next malloc's header is there
// pages: what=interior offset=*
// test: what=past offset=144
// Before the start of a live block; packed side by side that is inside the one before it.
#include "bug.h"

int main(void)
{
	char *p = NULL;

	/* Not one that begins with its page. */
	for (int i = 0; i < 16 && (!p || ((size_t)p & 4095) < 16); i++)
		p = make(136);
	drop(p - (TWIN ? 0 : 16));
	return 0;
}
