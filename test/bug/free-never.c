// expect: kind=invalid-free what=never call=free status=134
// expect: use=drop>main
// An address far beyond every block that was ever handed out.
#include "bug.h"

int main(void)
{
	char *p = make(64);

	drop(TWIN ? p : p + (1L << 32));
	return 0;
}
