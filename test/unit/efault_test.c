// sources: src/findings/fault.c src/findings/signals*.c src/findings/report.c src/findings/print.c src/findings/helper.c src/base/options.c src/trace/place.c src/trace/symbol.c src/trace/decode.c src/base/log.c src/base/file.c src/findings/near.c
// sources: src/findings/efault.c src/base/altstack.c src/trace/stack.c src/trace/depot.c src/trace/rules.c src/trace/cfi.c src/base/out.c
/* A dead block handed to the kernel in each of the ways, and errors that are none of ours. */
#include "finding.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static char *volatile gone; /* into the dead block; the compiler must not know */

static void do_write(void)
{
	int p[2];

	if (pipe(p))
		_exit(1);
	hits += (int)write(p[1], gone, 5);
}

static void do_pread(void)
{
	hits += (int)pread(open("/proc/self/exe", O_RDONLY), gone, 8, 16);
}

static void do_writev(void)
{
	struct iovec v[2] = {{"abc", 3}, {gone, 4}};
	int p[2];

	/* A pipe takes the first element and says so: the second comes alone. */
	if (pipe(p))
		_exit(1);
	hits += (int)writev(p[1], v + 1, 1);
}

static void do_sendmsg(void)
{
	struct iovec v = {"abc", 3};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = gone, .msg_controllen = 64};
	int p[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, p))
		_exit(1);
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

static const struct {
	void (*fn)(void);
	const char *head, *frame;
} cases[] = {
	{do_write, "use-after-free: write() argument 2 at 0x", " do_write+0x"},
	{do_pread, "use-after-free: pread() argument 2 at 0x", " do_pread+0x"},
	{do_writev, "use-after-free: writev() argument 2 at 0x", " do_writev+0x"},
	{do_sendmsg, "use-after-free: sendmsg() argument 2 at 0x", " do_sendmsg+0x"},
	{do_open, "use-after-free: open() argument 1 at 0x", " do_open+0x"},
	{do_stat, "use-after-free: stat() argument 2 at 0x", " do_stat+0x"},
	{do_poll, "use-after-free: poll() argument 1 at 0x", " do_poll+0x"},
	{do_execve, "use-after-free: execve() argument 2 at 0x", " do_execve+0x"},
	{do_getcwd, "use-after-free: getcwd() argument 1 at 0x", " do_getcwd+0x"},
	{do_syscall, "use-after-free: syscall() argument 6 at 0x", " do_syscall+0x"},
	{do_clock_nanosleep, "use-after-free: clock_nanosleep() argument 3 at 0x",
		" do_clock_nanosleep+0x"},
};

static void found(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in_child(cases[i].fn);
		CHECK(killed_by(SIGSEGV));
		CHECK(has(cases[i].head));
		CHECK(has(", 16 bytes inside a 40-byte block freed by thread T0"));
		CHECK(has(cases[i].frame));
		CHECK_EQ(count("ERROR"), 1);
	}
}

/* EFAULT for an address that was never a block is the program's own business. */
static void do_probe(void)
{
	int p[2];

	if (pipe(p))
		_exit(1);
	errno = 0;
	if (write(p[1], foreign, 1) != -1 || errno != EFAULT)
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

static void not_found(void)
{
	in_child(do_probe);
	CHECK(exited(9));
	CHECK_EQ(count("ERROR"), 0);
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
	if (pipe(p))
		_exit(1);
	for (int i = 0; i < times; i++)
		if (write(p[1], gone, 5) != -1 || errno != EFAULT)
			_exit(2);
	_exit(hits == 3 ? 9 : 3);
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
	in_child(do_caught);
	CHECK(exited(9));
	CHECK_EQ(count("ERROR"), 1);
	in_child(do_in_thread);
	CHECK(killed_by(SIGSEGV));
	CHECK_EQ(count("ERROR"), 1);
	CHECK(has("used by thread T1 (efault_test)"));
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

	signal(SIGSEGV, SIG_IGN);
	execv("/does/not/exist", argv);
	execv("/bin/sh", argv);
}

static void exec_inherits_ignore(void)
{
	in_child(ignored_by_exec);
	CHECK(exited(0));
	in_child(do_exec_ignoring);
	CHECK(exited(0));
	CHECK(has("SigIgn:\t0000000000000400\n"));
}

int main(void)
{
	finding_init();
	gone = dead + 32;
	RUN(found);
	RUN(not_found);
	RUN(signals);
	RUN(cancellation);
	RUN(exec_inherits_ignore);
	return UNIT_END();
}
