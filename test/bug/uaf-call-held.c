// expect: kind=use-after-free access=SYSCALL call=write arg=2 offset=0 block=64 status=139
// expect: use=use>main free=drop>main alloc=make>main
// settle: test: the kernel can read a small block in a page that lives
// write(2) of a freed buffer, while SIGSEGV is blocked and another one, that was sent, waits.
// host-only: the vmm has its own way of telling
#include "bug.h"

NOINLINE static void use(int fd, char *p)
{
	if (write(fd, p, 64) < 0)
		_exit(3);
	KEEP();
}

static void on_segv(int sig)
{
	_exit(TWIN ? 0 : sig);
}

int main(void)
{
	char *p = make(64);
	sigset_t s;
	int fd[2];

	if (pipe(fd))
		return 1;
	signal(SIGSEGV, on_segv);
	sigemptyset(&s);
	sigaddset(&s, SIGSEGV);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGSEGV);
	if (!TWIN)
		drop(p);
	settle();
	use(fd[1], p);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	return 4;
}
