// expect: kind=use-after-free access=SYSCALL call=writev arg=2 offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// The second part of a vector was freed: the kernel writes the first and says so.
#include "bug.h"

#include <sys/uio.h>

NOINLINE static int use(int fd, char *p)
{
	struct iovec v[2] = {{(void *)"head", 4}, {p, 64}};
	ssize_t n = writev(fd, v, 2);

	KEEP();
	return n != 68;
}

int main(void)
{
	int fd = memfd_create("sink", 0), r;
	char *p = make(64);

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(fd, p);
	if (TWIN)
		drop(p);
	/* Where its page is not dead yet, the block's own bytes are there. */
	return TWIN ? r : 0;
}
