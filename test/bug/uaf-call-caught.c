// expect: kind=use-after-free access=SYSCALL call=write arg=2 offset=0 block=64 status=0
// expect: use=~use>main free=drop>main alloc=make>main threads=alloc:a,free:a,use:a
// settle: test: the kernel can read a small block in a page that lives
// The program's own handler sees the fault once, and the call has failed with EFAULT.
#include "bug.h"

NOINLINE static ssize_t use(int fd, const char *p)
{
	ssize_t r = write(fd, p, 64);

	KEEP();
	return r;
}

static volatile char *block;
static volatile sig_atomic_t seen;

static void handler(int sig, siginfo_t *si, void *uc)
{
	seen += si->si_code > 0 && si->si_addr == block;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	char *p = make(64);
	int fd[2];

	block = p;
	sigaction(SIGSEGV, &sa, NULL);
	if (pipe(fd))
		return 1;
	if (TWIN)
		return use(fd[1], p) != 64;
	drop(p);
	settle();
	if (use(fd[1], p) != -1 || errno != EFAULT)
		return 2;
	return seen == 1 ? 0 : 3;
}
