// expect: kind=use-after-free access=SYSCALL call=epoll_ctl arg=4 offset=0 block=12 status=139
// expect: use=~use>main free=drop>main alloc=allocate>main
// The event of epoll_ctl: read when something is added or changed, not when it is taken out.
#include "bug.h"

#include <sys/epoll.h>

NOINLINE static struct epoll_event *allocate(void)
{
	struct epoll_event *e = malloc(sizeof(*e));

	HIDE(e);
	e->events = EPOLLIN;
	KEEP();
	return e;
}

NOINLINE static int use(int epoll, int op, int fd, struct epoll_event *e)
{
	int r = epoll_ctl(epoll, op, fd, e);

	KEEP();
	return r;
}

int main(void)
{
	int epoll = epoll_create1(0), p[2];
	struct epoll_event *e = allocate();

	if (pipe(p) || use(epoll, EPOLL_CTL_ADD, p[0], e))
		return 1;
	drop(e);
	settle();
	if (TWIN)
		return use(epoll, EPOLL_CTL_DEL, p[0], e) != 0;
	use(epoll, EPOLL_CTL_MOD, p[0], e);
	return 0;
}
