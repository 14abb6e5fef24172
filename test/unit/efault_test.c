// sources: src/findings/fault.c src/findings/signals*.c src/findings/report.c src/findings/others.c src/findings/survive.c src/findings/summary.c src/findings/suppressed.c src/base/suppress.c src/base/glob.c src/findings/print.c src/findings/hint.c src/base/stamp.c src/findings/helper.c src/base/options.c src/trace/place.c src/trace/symbol.c src/trace/decode.c src/base/log.c src/base/file.c src/findings/near.c src/findings/judge.c src/base/calls.c src/base/mode.c src/base/memlimit.c src/base/poison.c src/base/extable.c src/base/late.c
// sources: src/findings/sandbox.c src/findings/maps.c src/findings/efault.c src/base/altstack.c src/base/ownlimit.c src/base/threadend.c src/trace/stack.c src/trace/capture.c src/trace/depot.c src/trace/rules.c src/base/symtab.c src/trace/cfi.c src/base/out.c
/* A dead block handed to the kernel in each of the ways, and errors that are none of ours. */
#include "finding.h"
#include "findings/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static char *volatile gone; /* into the dead block; the compiler must not know */

static void pipe_make(int p[2])
{
	if (pipe(p))
		_exit(1);
}

static void sockets_make(int type, int p[2])
{
	if (socketpair(AF_UNIX, type, 0, p))
		_exit(1);
}

static int pipe_end(int i)
{
	int p[2];

	pipe_make(p);
	return p[i];
}

static void do_write(void)
{
	hits += (int)write(pipe_end(1), gone, 5);
}

static void do_pread(void)
{
	hits += (int)pread(open("/proc/self/exe", O_RDONLY), gone, 8, 16);
}

static void do_writev(void)
{
	struct iovec v = {gone, 4};

	hits += (int)writev(pipe_end(1), &v, 1);
}

static void do_sendmsg(void)
{
	struct iovec v = {"abc", 3};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = gone, .msg_controllen = 64};
	int p[2];

	sockets_make(SOCK_DGRAM, p);
	hits += (int)sendmsg(p[0], &m, 0);
}

static void do_open(void)
{
	hits += open(gone, O_RDONLY);
}

static void do_stat(void)
{
	hits += stat("/", (struct stat *)(void *)(gone));
}

static void do_poll(void)
{
	hits += poll((struct pollfd *)(void *)gone, 1, 0);
}

static void do_execve(void)
{
	char *argv[] = {"x", gone, NULL};

	hits += execve("/bin/true", argv, NULL);
}

static void do_getcwd(void)
{
	hits += getcwd(gone, 100) != NULL;
}

static void do_syscall(void)
{
	hits += (int)syscall(SYS_futex, &hits, 5 /* WAKE_OP */, 1, 1, gone, 0);
}

static void do_clock_nanosleep(void)
{
	hits += clock_nanosleep(CLOCK_MONOTONIC, 0, (struct timespec *)(void *)gone, NULL);
}

static void do_epoll_ctl(void)
{
	hits += epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, 0, (struct epoll_event *)(void *)gone);
}

static void do_getsockopt(void)
{
	socklen_t len = 4;

	hits += getsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_TYPE, gone, &len);
}

static void do_ioctl(void)
{
	hits += ioctl(pipe_end(0), FIONREAD, gone);
}

static void do_own_ioctl(void)
{
	hits += ioctl(open("/dev/urandom", O_RDONLY), _IOR('R', 0, int) /* RNDGETENTCNT */, gone);
}

static void do_fcntl(void)
{
	hits += fcntl(memfd_create("x", 0), F_GETLK, gone);
}

static void do_sendmmsg(void)
{
	struct iovec v = {gone, 3};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
	int p[2];

	sockets_make(SOCK_DGRAM, p);
	hits += sendmmsg(p[0], &m, 1, 0);
}

static void do_ppoll(void)
{
	hits += ppoll(NULL, 0, &(struct timespec){0}, (sigset_t *)(void *)gone);
}

static void do_prctl(void)
{
	hits += prctl(PR_SET_NAME, gone, 0, 0, 0);
}

/* One finding: this argument of the call, which the function after it makes. */
#define FOUND(from, call, n)                                                               \
	CHILD(from##call, SIGSEGV, 1, "use-after-free: " #call "() argument " #n " at 0x", \
		", 16 bytes inside a 40-byte block freed by thread T0", " " #from #call "+0x")

static void found(void)
{
	CHILDREN(FOUND(do_, epoll_ctl, 4), FOUND(do_, getsockopt, 4), FOUND(do_, ioctl, 3),
		FOUND(do_own_, ioctl, 3), FOUND(do_, fcntl, 3), FOUND(do_, sendmmsg, 2),
		FOUND(do_, ppoll, 4), FOUND(do_, prctl, 2), FOUND(do_, write, 2),
		FOUND(do_, pread, 2), FOUND(do_, writev, 2), FOUND(do_, sendmsg, 2),
		FOUND(do_, open, 1), FOUND(do_, stat, 2), FOUND(do_, poll, 1),
		FOUND(do_, execve, 2), FOUND(do_, getcwd, 1), FOUND(do_, syscall, 6),
		FOUND(do_, clock_nanosleep, 3));
}

static pid_t fork_and_exit(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

/* EFAULT for an address that was never a block is the program's own business. */
static void do_probe(void)
{
	errno = 0;
	if (write(pipe_end(1), foreign, 1) != -1 || errno != EFAULT)
		_exit(2);
	if (open((char *)foreign, O_RDONLY) != -1 || errno != EFAULT)
		_exit(3);
	if (open("/does/not/exist", O_RDONLY) != -1 || errno != ENOENT)
		_exit(4);
	/* Arguments that are not used are not looked at, even if the call fails. */
	if (fcntl(-1, F_GETFD, gone) != -1 || errno != EBADF)
		_exit(5);
	_exit(9);
}

#define FAULTS(n, call)                                    \
	do {                                               \
		errno = 0;                                 \
		if ((long)(call) != -1 || errno != EFAULT) \
			_exit(n);                          \
	} while (0)

/* What the kernel does not look at may be anything, when something else makes the call fail. */
static void do_ignored(void)
{
	struct iovec none = {gone, 0}, zero[2] = {{gone, 0}, {foreign, 4}};
	struct msghdr m = {.msg_name = gone, .msg_iov = zero, .msg_iovlen = 2, .msg_control = gone};
	struct timespec *bad = (struct timespec *)(void *)foreign;
	struct sockaddr *dead_name = (struct sockaddr *)(void *)gone;
	int p[2], file = memfd_create("x", 0), epoll = epoll_create1(0);

	sockets_make(SOCK_DGRAM, p);
	/* More than the call has: registers that hold what somebody left there. */
	FAULTS(10, syscall(SYS_seccomp, 1, 0, NULL, gone, gone, gone));
	FAULTS(11, syscall(SYS_pipe2, NULL, 0, gone, gone, gone, gone));
	FAULTS(12, syscall(SYS_write, p[1], foreign, 1, gone, gone, gone));
	FAULTS(13, syscall(SYS_futex, foreign, 1 /* WAKE */, 1, gone, gone, 0));
	FAULTS(14, syscall(SYS_prctl, PR_GET_NAME, NULL, gone, gone, gone));
	FAULTS(15, prctl(PR_GET_NAME, foreign, gone, gone, gone));
	/* What the program did not give, behind what it did. */
	FAULTS(16, syscall(SYS_nanosleep, NULL, gone));
	FAULTS(17, syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, NULL, gone));
	FAULTS(18, syscall(SYS_chdir, NULL, gone, gone));
	/* What flags, lengths and other arguments make of it. */
	if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, bad, (struct timespec *)(void *)gone) !=
		EFAULT)
		_exit(20);
	FAULTS(21, nanosleep(bad, (struct timespec *)(void *)gone));
	FAULTS(22, writev(file, zero, 2));
	FAULTS(23, sendmsg(p[0], &m, 0));
	FAULTS(24, sendto(p[0], gone, 0, 0, (struct sockaddr *)(void *)foreign, 16));
	FAULTS(25,
		recvfrom(p[0], foreign, write(p[1], "x", 1), 0, NULL, (socklen_t *)(void *)gone));
	FAULTS(35, recvfrom(p[0], (void *)(uintptr_t) "read-only", (size_t)write(p[1], "x", 1), 0,
			   NULL, (socklen_t *)(void *)gone));
	FAULTS(26, bind(p[0], (struct sockaddr *)(void *)foreign, 16));
	FAULTS(27, epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], (struct epoll_event *)(void *)foreign));
	FAULTS(28, waitid(P_PID, (id_t)fork_and_exit(), (siginfo_t *)(void *)foreign, WEXITED));
	if (epoll_ctl(epoll, EPOLL_CTL_DEL, p[0], (struct epoll_event *)(void *)gone) != -1 ||
		errno != ENOENT)
		_exit(29);
	if (writev(file, &none, 1) != 0 || send(-1, gone, 4, 0) != -1 || errno != EBADF)
		_exit(30);
	if (syscall(9999, gone, gone, gone, gone, gone, gone) != -1 || errno != ENOSYS)
		_exit(31);
	if (connect(-1, dead_name, 4) != -1 || errno != EBADF)
		_exit(32);
	_exit(9);
}

/* Readable memory that ends where the dead block's page begins. */
static char *edge(void)
{
	char *page = dead - 4096;

	if (mprotect(page, 4096, PROT_READ | PROT_WRITE))
		_exit(1);
	return dead;
}

static int file_of(size_t bytes)
{
	int fd = memfd_create("x", 0);

	if (ftruncate(fd, (off_t)bytes))
		_exit(1);
	return fd;
}

/* Longer than all addresses: refused before anything is looked at, the dead pages behind it too. */
static void do_nonsense(void)
{
	volatile size_t most = SIZE_MAX / 2; /* the compiler would warn */
	struct iovec v[2] = {
		{edge() - 96, most}, {edge() - 96, 1}}; /* of one the kernel takes less */
	int file = file_of(0);

	FAULTS(33, writev(file, v, 2));
	FAULTS(34, write(file, edge() - 96, most));
	_exit(9);
}

static void do_short_write(void)
{
	hits += (int)write(file_of(0), edge() - 96, 200);
}

static void do_short_read(void)
{
	hits += (int)read(file_of(5000), edge() - 96, 200);
}

static void do_short_writev(void)
{
	struct iovec v[3] = {{"abc", 3}, {gone, 0}, {gone, 4}};

	hits += (int)writev(file_of(0), v, 3);
}

static void do_short_readv(void)
{
	char here[3];
	struct iovec v[2] = {{here, 3}, {gone, 4}};

	hits += (int)readv(file_of(5000), v, 2);
}

static void do_short_sendmsg(void)
{
	static char many[1 << 16];
	struct iovec v[2] = {{many, sizeof(many)}, {gone, 4}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	int p[2];

	sockets_make(SOCK_STREAM, p);
	hits += (int)sendmsg(p[0], &m, 0);
}

static void do_short_recvmsg(void)
{
	char here[3];
	struct iovec v[2] = {{here, 3}, {gone, 4}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) || write(p[1], "1234567", 7) != 7)
		_exit(1);
	hits += (int)recvmsg(p[0], &m, 0);
}

static void do_short_sendmmsg(void)
{
	struct iovec v[2] = {{"abc", 3}, {gone, 4}};
	struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = v, .msg_iovlen = 2}}};
	int p[2];

	sockets_make(SOCK_DGRAM, p);
	hits += sendmmsg(p[0], m, 2, 0);
}

/* Less than was asked for, for want of data or room. */
static void do_short_for_other_reasons(void)
{
	char here[100], *end = edge();
	struct iovec v[3] = {{here, 10}, {here, 10}, {gone, 0}};
	struct report r;
	int p[2];

	/* The vector may be gone when the call returns: another thread was told that it is sent. */
	if (judge_short(OUT_VECTOR, (const long[]){1, (long)foreign, 2}, 5, &r) ||
		judge_short(IN_MESSAGE, (const long[]){1, (long)foreign}, 5, &r))
		_exit(1);
	if (read(file_of(50), end - 96, 96) != 50 || read(file_of(0), gone, 100) != 0)
		_exit(2);
	if (read(file_of(50), end - 96, 200) != 50)
		_exit(3);
	if (readv(file_of(10), v, 2) != 10 || readv(file_of(20), v, 3) != 20)
		_exit(4);
	if (pipe2(p, O_NONBLOCK) || fcntl(p[1], F_SETPIPE_SZ, 4096) != 4096 ||
		write(p[1], here, 50) != 50 || write(p[1], end - 4096, 4096) != -1 ||
		errno != EAGAIN)
		_exit(5);
	if (write(file_of(0), end - 96, 96) != 96 || writev(file_of(0), v, 3) != 20)
		_exit(6);
	_exit(9);
}

static void short_transfers(void)
{
	CHILDREN(CHILD(do_short_write, SIGSEGV, 1, "use-after-free: write() argument 2 at 0x"),
		CHILD(do_short_read, SIGSEGV, 1, "use-after-free: read() argument 2 at 0x"),
		FOUND(do_short_, writev, 2), FOUND(do_short_, readv, 2),
		FOUND(do_short_, sendmsg, 2), FOUND(do_short_, sendmmsg, 2),
		FOUND(do_short_, recvmsg, 2), CHILD(do_short_for_other_reasons, EXITS(9), 0));
}

static void not_found(void)
{
	CHILDREN(CHILD(do_probe, EXITS(9), 0), CHILD(do_ignored, EXITS(9), 0),
		CHILD(do_nonsense, EXITS(9), 0));
}

static void handler(int sig, siginfo_t *si, void *uc)
{
	if (sig == SIGSEGV && si->si_code == SEGV_MAPERR && si->si_addr == gone)
		hits++;
}

/* The program's handler gets the signal once; if it returns, the call has failed with EFAULT. */
static void do_caught(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	volatile int times = 3; /* one call in the code, whatever the compiler unrolls */
	int p[2];

	sigaction(SIGSEGV, &sa, NULL);
	pipe_make(p);
	for (int i = 0; i < times; i++)
		if (write(p[1], gone, 5) != -1 || errno != EFAULT)
			_exit(2);
	_exit(hits == 3 ? 9 : 3);
}

static sigjmp_buf jump;

static void jump_out(int sig)
{
	siglongjmp(jump, 1);
}

/* The call's signal looks like the fault before, which had the same address: it is no finding itself. */
static void do_caught_again(void)
{
	signal(SIGSEGV, jump_out);
	if (!sigsetjmp(jump, 1))
		hits += *(volatile char *)gone;
	if (!sigsetjmp(jump, 1))
		do_write();
	_exit(9);
}

static void *in_thread(void *arg)
{
	do_write();
	return NULL;
}

static void do_in_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, in_thread, NULL);
	pthread_join(t, NULL);
}

static void signals(void)
{
	CHILDREN(CHILD(do_caught, EXITS(9), 1), CHILD(do_caught_again, EXITS(9), 2),
		CHILD(do_in_thread, SIGSEGV, 1, "used by thread T1 (efault_test)"));
}

static void *sleeper(void *arg)
{
	char c;

	(void)!read(*(int *)arg, &c, 1);
	return NULL;
}

/* The wrappers must stay cancellation points. */
static void cancellation(void)
{
	void *result = NULL;
	pthread_t t;
	int p[2];

	if (pipe(p))
		abort();
	pthread_create(&t, NULL, sleeper, &p[0]);
	pthread_cancel(t);
	pthread_join(t, &result);
	CHECK(result == PTHREAD_CANCELED);
}

static void ignored_by_exec(void)
{
	signal(SIGSEGV, SIG_IGN);
	execl("/bin/true", "true", NULL); /* libc's own execve: not ours to see */
}

static void do_exec_ignoring(void)
{
	char *argv[] = {"sh", "-c", "exec cat /proc/self/status >&2", NULL};

	for (int sig = 1; sig < 32; sig++) /* nohup, or a shell's &, has us ignore some */
		signal(sig, sig == SIGSEGV ? SIG_IGN : SIG_DFL);
	execv("/does/not/exist", argv);
	execv("/bin/sh", argv);
}

static void exec_inherits_ignore(void)
{
	CHILDREN(CHILD(ignored_by_exec, EXITS(0), 0),
		CHILD(do_exec_ignoring, EXITS(0), 0, "SigIgn:\t0000000000000400\n"));
}

int main(void)
{
	finding_init();
	gone = dead + 32;
	RUN(found);
	RUN(not_found);
	RUN(short_transfers);
	RUN(signals);
	RUN(cancellation);
	RUN(exec_inherits_ignore);
	return UNIT_END();
}
