/*
 * fds.c - vmm context: our file descriptors, where the program does not stumble over them.
 *
 * Owns a bitmap of the numbers that are ours. They are moved above FDS_BASE (if need be above
 * the soft limit, which is raised for the moment of the move only: a number once given stays
 * valid) and are close-on-exec. The forwarder asks fd_is_ours before it closes anything.
 */
#include "vm.h"
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#define FDS_MAX 65536

static uint64_t ours[FDS_MAX / 64] UD_TABLE;

static void fd_mark(int fd, bool on)
{
	uint64_t bit = 1UL << (fd & 63);

	if (on)
		__atomic_fetch_or(&ours[fd / 64], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&ours[fd / 64], ~bit, __ATOMIC_RELAXED);
}

/* The limit goes up for a moment: the hard one too, where we may. */
static void limit_raise(struct rlimit *old)
{
	struct rlimit high = {FDS_MAX, FDS_MAX};

	*old = (struct rlimit){0, 0};
	sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, (long)old);
	high.rlim_max = MAX(high.rlim_max, old->rlim_max);
	if (!sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, (long)&high, 0))
		return;
	high.rlim_cur = high.rlim_max = old->rlim_max;
	sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, (long)&high, 0);
}

static void limit_restore(const struct rlimit *old)
{
	sys_call4(__NR_prlimit64, 0, RLIMIT_NOFILE, (long)old, 0);
}

static long dup_high(int fd)
{
	struct rlimit old;
	long got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, FDS_BASE);

	if (got >= 0)
		return got;
	limit_raise(&old);
	got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, FDS_BASE);
	if (got < 0) /* the hard limit is lower still: as high as it goes */
		for (long at = (long)MIN(old.rlim_max, (rlim_t)FDS_MAX) - 1;
			at > 2 && got<0; at -= at> 64 ? 16 : 1)
			got = sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, at);
	limit_restore(&old);
	return got;
}

int fd_new(int on, unsigned long request, const void *arg)
{
	long fd = vm_ioctl(on, request, arg);
	struct rlimit old;

	if (fd == -EMFILE) {
		limit_raise(&old);
		fd = vm_ioctl(on, request, arg);
		limit_restore(&old);
	}
	return fd < 0 ? (int)fd : fd_hide((int)fd);
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
