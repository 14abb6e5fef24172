// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=42
// expect: use=look>child free=drop>main alloc=make>main
// fork from a second thread; the child uses what the main thread freed.
#include "bug.h"

NOINLINE static void child(char *p)
{
	look(p);
	KEEP();
}

NOINLINE static void *forker(void *p)
{
	pid_t pid = fork();

	if (!pid) {
		child(p);
		_exit(0);
	}
	return (void *)(long)verdict_of(pid);
}

int main(void)
{
	char *p = make(40);
	long r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = (long)in_thread(forker, p);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
