// expect: kind=invalid-free what=mapped call=free status=134
// expect: use=drop>main
// Memory that came from mmap.
#include "bug.h"

int main(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (TWIN)
		munmap(p, 8192);
	else
		drop(p);
	return 0;
}
