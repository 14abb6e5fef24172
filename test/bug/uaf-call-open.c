// expect: kind=use-after-free access=SYSCALL call=open arg=1 offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// settle: test: the kernel can read a small block in a page that lives
// kvm: call=openat arg=2
// A freed path.
#include "bug.h"

NOINLINE static int use(char *p)
{
	int fd = open(p, O_RDONLY);

	KEEP();
	return fd < 0;
}

int main(void)
{
	char *p = make(64);
	int r;

	strcpy(p, "/dev/null");
	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(p);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
