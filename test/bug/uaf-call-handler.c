// expect: kind=use-after-free access=SYSCALL call=write arg=2 offset=0 block=64 status=3
// expect: use=~log_it>on_fault free=drop>main alloc=make>main
// settle: test: the kernel can read a small block in a page that lives
// A crash handler logs from a freed buffer: told, and it goes on (the signal is blocked there).
#include "bug.h"

static char *line;
static int fd[2];

NOINLINE static void log_it(void)
{
	if (write(fd[1], line, 64) != (TWIN ? 64 : -1))
		_exit(2);
	KEEP();
}

NOINLINE static void on_fault(int sig)
{
	log_it();
	_exit(TWIN ? 0 : 3);
}

int main(void)
{
	char *nowhere = NULL;

	line = make(64);
	signal(SIGSEGV, on_fault);
	if (pipe(fd))
		return 1;
	if (!TWIN)
		drop(line);
	settle();
	HIDE(nowhere);
	*(volatile int *)nowhere = 1;
	return 1;
}
