// expect: kind=use-after-free access=SYSCALL call=CALL arg=ARG offset=AT block=64 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// kvm: call=NUMBERED
// each: read CALL=read NUMBERED=read ARG=2 AT=0 HOW=1
// each: partial CALL=read NUMBERED=read ARG=2 AT=16 HOW=1: the middle of a freed struct
// each: pread CALL=pread NUMBERED=pread64 ARG=2 AT=0 HOW=2
// each: write CALL=write NUMBERED=write ARG=2 AT=0 HOW=3
// each: writev CALL=writev NUMBERED=writev ARG=* AT=0 HOW=4: inside an iovec, one level down
// each: send CALL=send NUMBERED=sendto ARG=2 AT=0 HOW=5
// A freed buffer given to a system call: the kernel would say EFAULT; it is a finding.
#include "bug.h"
#include <sys/socket.h>
#include <sys/uio.h>

NOINLINE static int use(char *p, int fd, int other)
{
	char local[8] = "local";
	struct iovec v[2] = {{local, sizeof(local)}, {p, 64}};
	int ok;

	switch (HOW) {
	case 1:
		ok = read(fd, p + AT, 8) == 8;
		break;
	case 2:
		ok = pread(other, p, 64, 0) == 64;
		break;
	case 3:
		ok = write(fd, p, 64) == 64;
		break;
	case 4:
		ok = writev(fd, v + 1, 1) == 64 && writev(fd, v, 2) == 72;
		break;
	default:
		ok = send(fd, p, 64, 0) == 64;
	}
	KEEP();
	return ok ? 0 : 8;
}

int main(void)
{
	int fds[2], zero = open("/dev/zero", O_RDONLY);
	char *p = make(64);
	int r;

	if (zero < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
		write(fds[1], "12345678", 8) != 8)
		return 9;
	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(p, fds[0], zero);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
