// expect: kind=use-after-free access=SYSCALL call=pread arg=2 offset=0 block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// kvm: call=pread64
// A freed buffer given to pread: the kernel would say EFAULT; it is a finding.
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static int use(char *p)
{
	int fd = open("/dev/zero", O_RDWR);
	int ok;

	if (fd < 0)
		return 9;
	ok = pread(fd, p, 64, 0) == 64;
	KEEP();
	return ok ? 0 : 8;
}

int main(void)
{
	char *p = make(64);
	int r;

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
