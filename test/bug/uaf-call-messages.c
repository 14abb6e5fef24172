// expect: kind=use-after-free access=SYSCALL call=sendmmsg arg=2 offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// The second of two messages was freed: the kernel sends the first and says so.
#include "bug.h"

#include <sys/socket.h>

NOINLINE static int use(int fd, char *p)
{
	struct iovec v[2] = {{(void *)"head", 4}, {p, 64}};
	struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = v + 1, .msg_iovlen = 1}}};
	int n = sendmmsg(fd, m, 2, 0);

	KEEP();
	return n != 2;
}

int main(void)
{
	char *p = make(64);
	int fd[2], r;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		return 9;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(fd[0], p);
	if (TWIN)
		drop(p);
	/* Where its page is not dead yet, the block's own bytes are there. */
	return TWIN ? r : 0;
}
