/*
 * fds.c - vmm context: our file descriptors, where the program does not stumble over them.
 *
 * Owns a bitmap of the numbers that are ours. They are moved above FDS_BASE (if need be above
 * the soft limit, which is raised for the moment of the move only: a number once given stays
 * valid) and are close-on-exec. The forwarder asks fd_is_ours before it closes anything.
 */
#include "dune/vm.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#define FDS_MAX 65536

static uint64_t ours[FDS_MAX / 64];

static void fd_mark(int fd, bool on)
{
	uint64_t bit = 1UL << (fd & 63);

	if (on)
		__atomic_fetch_or(&ours[fd / 64], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&ours[fd / 64], ~bit, __ATOMIC_RELAXED);
}

static long dup_high(int fd)
{
	struct rlimit old, high;
	long got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, FDS_BASE);

	if (got >= 0)
		return got;
	if (sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&old) < 0)
		return got;
	high = old;
	high.rlim_cur = MIN(old.rlim_max, (rlim_t)FDS_MAX);
	sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, (long)&high, 0);
	got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, FDS_BASE);
	if (got < 0) /* the hard limit is lower still: as high as it goes */
		for (long at = (long)high.rlim_cur - 1; at > 16 && got < 0; at -= 16)
			got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, at);
	sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, (long)&old, 0);
	return got;
}

int fd_hide(int fd)
{
	long got = dup_high(fd);

	sys_close(fd);
	if (got >= 0 && got < FDS_MAX)
		fd_mark((int)got, true);
	return (int)got;
}

int fd_move(int fd)
{
	long got = dup_high(fd);

	if (got < 0 || got >= FDS_MAX)
		return got < 0 ? (int)got : -EMFILE;
	fd_mark((int)got, true);
	fd_mark(fd, false);
	return (int)got;
}

void fd_close(int fd)
{
	if (fd < 0)
		return;
	if (fd < FDS_MAX)
		fd_mark(fd, false);
	sys_close(fd);
}

bool fd_is_ours(unsigned long fd)
{
	return fd < FDS_MAX && (__atomic_load_n(&ours[fd / 64], __ATOMIC_RELAXED) >> (fd & 63) & 1);
}

long fd_next(unsigned long lo, unsigned long hi)
{
	for (unsigned long fd = lo; fd <= hi && fd < FDS_MAX; fd++) {
		if (!(fd & 63) && !ours[fd / 64]) {
			fd += 63;
			continue;
		}
		if (fd_is_ours(fd))
			return (long)fd;
	}
	return -1;
}
