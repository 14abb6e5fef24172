// host-only: io_setup answers ENOSYS there
// Calls that the kernel refuses, with a freed block wherever the call takes no pointer: the bad pointer
// beside it is the reason, and nothing is a use after free.
#include "ok.h"

#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { BAD = 8, DEAD = -77, KEPT = -78, SOCKET = -79 };

static const struct row {
	const char *what;
	long call[7];
} rows[] = {
	{"no such call", {1000, DEAD, DEAD, DEAD}},
	{"no call at all", {-1, DEAD, DEAD}},
	{"no such call, bad", {600, DEAD, BAD, DEAD, DEAD, DEAD, DEAD}},
	{"read", {SYS_read, SOCKET, BAD, 10, DEAD, DEAD, DEAD}},
	{"write", {SYS_write, SOCKET, BAD, 10, DEAD, DEAD, DEAD}},
	{"open", {SYS_open, BAD, 0, DEAD}},
	{"openat", {SYS_openat, AT_FDCWD, BAD, 0, DEAD, DEAD}},
	{"stat", {SYS_stat, BAD, KEPT, DEAD}},
	{"statx", {SYS_statx, AT_FDCWD, BAD, 0, 0, KEPT, DEAD}},
	{"futex wake", {SYS_futex, BAD, FUTEX_WAKE, 1, DEAD, DEAD}},
	{"futex wait", {SYS_futex, BAD, FUTEX_WAIT, 1, 0, DEAD, DEAD}},
	{"futex time", {SYS_futex, KEPT, FUTEX_WAIT, 1, BAD, DEAD, DEAD}},
	{"futex requeue", {SYS_futex, BAD, FUTEX_REQUEUE, 1, 2, DEAD}},
	{"futex bits", {SYS_futex, BAD, FUTEX_WAKE_BITSET, 1, DEAD, DEAD, 1}},
	{"set name", {SYS_prctl, PR_SET_NAME, BAD, DEAD, DEAD, DEAD}},
	{"get name", {SYS_prctl, PR_GET_NAME, BAD, DEAD, DEAD, DEAD}},
	{"death signal", {SYS_prctl, PR_GET_PDEATHSIG, BAD, DEAD}},
	{"dumpable", {SYS_prctl, PR_SET_DUMPABLE, DEAD}},
	{"no such option", {SYS_prctl, 9999, DEAD, DEAD, DEAD, DEAD}},
	{"map fields", {SYS_prctl, PR_SET_MM, DEAD, DEAD, DEAD, DEAD}},
	{"filter", {SYS_prctl, PR_SET_SECCOMP, 2, BAD, DEAD, DEAD}},
	{"file lock", {SYS_fcntl, SOCKET, F_SETLK, BAD, DEAD}},
	{"file owner", {SYS_fcntl, SOCKET, F_SETOWN_EX, BAD, DEAD}},
	{"no such fcntl", {SYS_fcntl, SOCKET, 4444, DEAD}},
	{"bytes to read", {SYS_ioctl, SOCKET, FIONREAD, BAD, DEAD, DEAD}},
	{"no such ioctl", {SYS_ioctl, SOCKET, 0x12345678, DEAD}},
	{"option", {SYS_setsockopt, SOCKET, SOL_SOCKET, SO_RCVTIMEO, BAD, 16, DEAD}},
	{"receive", {SYS_recvfrom, SOCKET, BAD, 10, MSG_DONTWAIT, 0, DEAD}},
	{"send", {SYS_sendto, SOCKET, BAD, 10, MSG_DONTWAIT, 0, DEAD}},
	{"map", {SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, DEAD, DEAD}},
	{"sleep", {SYS_clock_nanosleep, 0, 0, BAD, DEAD}},
	{"clock", {SYS_clock_gettime, 0, BAD, DEAD}},
	{"action", {SYS_rt_sigaction, SIGUSR1, BAD, 0, 8, DEAD}},
	{"mask", {SYS_rt_sigprocmask, 0, BAD, 0, 8, DEAD}},
	{"signal wait", {SYS_rt_sigtimedwait, BAD, 0, 0, 8, DEAD}},
	{"other stack", {SYS_sigaltstack, BAD, 0, DEAD}},
	{"queue a signal", {SYS_rt_sigqueueinfo, 99999999, 0, BAD, DEAD}},
	{"poll", {SYS_poll, BAD, 1, DEAD, DEAD}},
	{"random", {SYS_getrandom, BAD, 8, 0, DEAD}},
	{"uname", {SYS_uname, BAD, DEAD}},
	{"times", {SYS_times, BAD, DEAD}},
	{"folder", {SYS_getcwd, BAD, 100, DEAD}},
	{"affinity", {SYS_sched_setaffinity, 0, 8, BAD, DEAD}},
	{"limit", {SYS_prlimit64, 0, RLIMIT_NOFILE, BAD, 0, DEAD}},
	{"usage", {SYS_getrusage, 0, BAD, DEAD}},
	{"contexts", {SYS_io_setup, 1, BAD, DEAD}},
	{"advice", {SYS_madvise, BAD, 10, DEAD}},
	{"trace", {SYS_ptrace, PTRACE_ATTACH, -5, DEAD, DEAD}},
	{"memfd", {SYS_memfd_create, BAD, 0, DEAD}},
	{"clone3", {SYS_clone3, BAD, 88, DEAD}},
	{"robust list", {SYS_set_robust_list, DEAD, 1}},
	{"no pipe", {SYS_tee, -1, -1, DEAD, DEAD}},
	{"no file", {SYS_fallocate, -1, 0, DEAD, DEAD}},
};

int main(void)
{
	int s[2];
	char *kept = calloc(1, 1000), *volatile dead = malloc(100);

	check(kept && dead && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
	check(write(s[1], "to be read", 10) == 10);
	free(dead);
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		long a[7], r;

		for (int k = 0; k < 7; k++) {
			long is = rows[i].call[k];

			a[k] = is == DEAD     ? (long)dead
			       : is == KEPT   ? (long)kept
			       : is == SOCKET ? s[0]
					      : is;
		}
		errno = 0;
		r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		say("%s: %ld, errno %d", rows[i].what, r, errno);
	}
	return done();
}
