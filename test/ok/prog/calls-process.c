// Calls that make, watch, signal and look into processes, with all that they are given on the heap.
// also: strict,deferred,test
// host-only: rseq is refused there
#include "ok.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <malloc.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define BAD ((void *)8)

static void told(const char *what, long r)
{
	say("%s: %ld %s", what, r, r < 0 ? strerrorname_np(errno) : "");
}

extern char **environ;

/* What a process sees that was made by exec. */
static int shown(char **argv)
{
	struct sigaction segv;

	for (; *argv; argv++)
		say("word %s", *argv);
	sigaction(SIGSEGV, NULL, &segv);
	say("ON_HEAP=%s, SIGSEGV ignored %d", getenv("ON_HEAP") ?: "", segv.sa_handler == SIG_IGN);
	return 7;
}

static char **words(const char *a, const char *b)
{
	char **v = calloc(4, sizeof(*v));

	v[0] = strdup("program");
	v[1] = strdup(a);
	v[2] = strdup(b);
	return v;
}

/* This environment, and one more. */
static char **more_environ(void)
{
	size_t n = 0;

	while (environ[n])
		n++;
	char **e = calloc(n + 2, sizeof(*e));

	memcpy(e + 1, environ, n * sizeof(*e));
	e[0] = strdup("ON_HEAP=yes");
	return e;
}

static void exec_ways(int how)
{
	char **argv = words("of", "the heap"), **env = more_environ();
	char *path = strdup("/proc/self/exe"), *none = strdup("");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (how == 0)
		execve(path, argv, env);
	else if (how == 1)
		execveat(AT_FDCWD, path, argv, env, 0);
	else if (how == 2)
		execveat(fd, none, argv, env, AT_EMPTY_PATH);
	else if (how == 3)
		syscall(SYS_execveat, fd, none, argv, env, AT_EMPTY_PATH);
	else
		fexecve(fd, argv, env);
	told("exec", -1);
	_exit(1);
}

static void execs(void)
{
	char **argv = words("never", "run"), *path = strdup("/not/there"), *none = strdup("");

	for (int how = 0; how < 5; how++) {
		for (int ignored = 0; ignored < 2; ignored++) {
			pid_t p = fork();

			if (p == 0) {
				signal(SIGSEGV, ignored ? SIG_IGN : SIG_DFL);
				exec_ways(how);
			}
			say_end("exec'd", wait_for(p));
		}
	}
	pid_t p = vfork();

	if (p == 0) {
		execve(path, argv, environ);
		_exit(errno == ENOENT ? 5 : 6);
	}
	say_end("vfork", wait_for(p));
	told("execveat of nothing", execveat(AT_FDCWD, none, argv, environ, 0));
	told("execveat otherwise", execveat(AT_FDCWD, path, argv, environ, 1 << 20));
	told("execveat no folder", execveat(-1, path + 1, argv, environ, 0));
	told("execve from nowhere", syscall(SYS_execve, BAD, argv, environ));
	free(argv[2]);
	argv[2] = BAD;
	told("a word from nowhere", execve("/proc/self/exe", argv, environ));
	free(argv[0]);
	free(argv[1]);
	free(argv);
	free(path);
	free(none);
}

static void clones(void)
{
	struct clone_args *a = calloc(1, sizeof(*a));
	int *fd = calloc(1, sizeof(*fd)), *tid = calloc(2, sizeof(*tid));
	siginfo_t *si = calloc(1, sizeof(*si));
	char *kept = strdup("kept");
	long pid;

	*a = (struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
		.pidfd = (uintptr_t)fd,
		.parent_tid = (uintptr_t)tid,
		.child_tid = (uintptr_t)(tid + 1),
		.exit_signal = SIGCHLD};
	pid = syscall(SYS_clone3, a, sizeof(*a));
	if (pid == 0) {
		int good = tid[1] == syscall(SYS_getpid) && !strcmp(kept, "kept");

		free(kept);
		free(malloc(100));
		_exit(good ? 3 : 4);
	}
	check(pid > 0 && tid[0] == pid && tid[1] == 0);
	told("waitid, not taken", waitid(P_PIDFD, *fd, si, WEXITED | WNOWAIT));
	say("code %d status %d, ours %d", si->si_code, si->si_status, si->si_pid == pid);
	told("waitid", waitid(P_PID, pid, si, WEXITED));
	told("waitid again", waitid(P_PIDFD, *fd, si, WEXITED));
	told("waitid for nothing", waitid(P_ALL, 0, si, 0));
	told("waitid otherwise", waitid(77, 0, si, WEXITED));
	a->flags = CLONE_THREAD;
	told("a thread alone", syscall(SYS_clone3, a, sizeof(*a)));
	a->flags = CLONE_FS | CLONE_NEWNS;
	told("shared and new", syscall(SYS_clone3, a, sizeof(*a)));
	a->flags = 0;
	a->set_tid_size = 77;
	told("too many ids", syscall(SYS_clone3, a, sizeof(*a)));
	close(*fd);
	free(a);
	free(fd);
	free(tid);
	free(si);
	free(kept);
}

static int sees_id(void *tid)
{
	return *(volatile int *)tid == syscall(SYS_getpid) ? 3 : 4;
}

/* The kernel writes the child's id into a block of the child's. */
static void clones_older(void)
{
	int *tid = calloc(1, sizeof(*tid));
	char *stack = malloc(1 << 17);
	long pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, NULL, tid, NULL);

	if (pid == 0)
		_exit(sees_id(tid));
	say_end("clone, the call", wait_for(pid));
	pid = clone(sees_id, stack + (1 << 17), CLONE_CHILD_SETTID | SIGCHLD, tid, NULL, NULL, tid);
	say_end("clone", wait_for(pid));
	say("the parent's: %d", *tid);
	free(tid);
	free(stack);
}

static void waits(void)
{
	sigset_t *s = malloc(sizeof(*s));
	siginfo_t *si = calloc(2, sizeof(*si));
	struct timespec *t = calloc(1, sizeof(*t));
	struct signalfd_siginfo *got = calloc(2, sizeof(*got));

	sigemptyset(s);
	sigaddset(s, SIGUSR1);
	sigaddset(s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, s, NULL);
	told("sigtimedwait", sigtimedwait(s, si, t));
	t->tv_nsec = -1;
	told("sigtimedwait, no time", sigtimedwait(s, si, t));
	si[1] = (siginfo_t){.si_code = SI_QUEUE};
	si[1].si_value.sival_int = 55;
	told("queued", syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, si + 1));
	told("taken", sigtimedwait(s, si, NULL) == SIGRTMIN ? 0 : 1);
	say("value %d", si->si_value.sival_int);
	told("queued to a thread",
		syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, si + 1));
	told("taken", sigwaitinfo(s, si) == SIGUSR1 ? 0 : 1);
	si[1].si_code = SI_USER;
	told("a lie to another", syscall(SYS_rt_sigqueueinfo, getppid(), 0, si + 1));
	told("no signal", syscall(SYS_rt_sigqueueinfo, getpid(), 99, si + 1));
	told("queued from nowhere", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD));

	int fd = signalfd(-1, s, SFD_NONBLOCK);

	told("signalfd, nothing", read(fd, got, sizeof(*got)));
	told("signalfd otherwise", signalfd(-1, s, 1 << 20));
	told("signalfd, no such", signalfd(0, s, 0));
	told("signalfd from nowhere", syscall(SYS_signalfd4, -1, BAD, 8, 0));
	told("signalfd, size", syscall(SYS_signalfd4, -1, s, 7, 0));
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 66});
	told("signalfd", read(fd, got, 2 * sizeof(*got)));
	say("%d, then %d", got[0].ssi_signo == SIGUSR1, got[1].ssi_int);
	told("signalfd, too small", read(fd, got, 8));
	close(fd);
	sigprocmask(SIG_UNBLOCK, s, NULL);
	free(s);
	free(si);
	free(t);
	free(got);
}

static long move(int out, pid_t pid, void *here, void *there, size_t n)
{
	struct iovec *v = calloc(2, sizeof(*v));
	long r;

	v[0] = (struct iovec){here, n};
	v[1] = (struct iovec){there, n};
	r = out ? process_vm_writev(pid, v, 1, v + 1, 1, 0)
		: process_vm_readv(pid, v, 1, v + 1, 1, 0);
	free(v);
	return r;
}

/* The child's blocks, some of which are freed here, and the other way round. */
static void between(void)
{
	char *both = strdup("of both"), *theirs = strdup("of the child");
	char *ours = strdup("of the parent"), *got = calloc(1, 100), c;
	int go[2], ready[2];

	check(!pipe(go) && !pipe(ready));
	uintptr_t was = (uintptr_t)theirs; /* the compiler would warn */
	pid_t p = fork();

	if (p == 0) {
		free(ours);
		check(write(ready[1], "r", 1) == 1 && read(go[0], &c, 1) == 1);
		say("child has %s, %s", both, theirs);
		free(both);
		free(theirs);
		_exit(failures);
	}
	free(theirs);
	check(read(ready[0], &c, 1) == 1);
	told("read", move(0, p, got, both, 8));
	say("got %s", got);
	told("read what is freed here", move(0, p, got, (void *)was, 13));
	say("got %s", got);
	move(0, p, got, ours,
		14); /* freed there: what comes is nobody's business, but no finding */
	told("write", move(1, p, strcpy(got, "by both"), both, 8));
	told("write what is freed here", move(1, p, strcpy(got, "by parent"), (void *)was, 10));
	told("from nowhere", move(0, p, got, BAD, 10));
	told("to nowhere", move(0, p, BAD, both, 8));
	told("otherwise", process_vm_readv(p, NULL, 0, NULL, 0, 1));
	told("of nobody", move(0, 99999999, got, both, 8));
	say("here %s, %s", both, ours);
	check(write(go[1], "g", 1) == 1);
	say_end("child", wait_for(p));
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(ready[i]);
	}
	free(both);
	free(ours);
	free(got);
}

static void by_pidfd(void)
{
	siginfo_t *si = calloc(1, sizeof(*si));
	int self = pidfd_open(getpid(), 0), fd[2], copy;
	char *text = strdup("through a copy"), *got = calloc(1, 100);

	check(!pipe(fd));
	copy = pidfd_getfd(self, fd[1], 0);
	if (copy >= 0) {
		told("write", write(copy, text, 15));
		told("read", read(fd[0], got, 100));
		say("got %s", got);
		close(copy);
	}
	told("no such", pidfd_getfd(self, 9999, 0));
	told("otherwise", pidfd_getfd(self, fd[1], 1));
	told("no pidfd", pidfd_getfd(fd[0], fd[1], 0));
	told("open nobody", pidfd_open(-1, 0));
	told("open otherwise", pidfd_open(getpid(), 1));
	si->si_signo = SIGCONT;
	si->si_code = SI_QUEUE;
	told("signal", pidfd_send_signal(self, SIGCONT, si, 0));
	told("another one's", pidfd_send_signal(self, SIGUSR1, si, 0));
	told("signal from nowhere", pidfd_send_signal(self, SIGCONT, BAD, 0));
	told("signal otherwise", pidfd_send_signal(self, SIGCONT, si, 1 << 20));
	close(self);
	close(fd[0]);
	close(fd[1]);
	free(si);
	free(text);
	free(got);
}

static void *holds(void *m)
{
	pthread_mutex_lock(m);
	return NULL;
}

static void locks(void)
{
	pthread_mutex_t *m = malloc(sizeof(*m));
	pthread_mutexattr_t a;
	unsigned *word = calloc(1, sizeof(*word));
	struct timespec *t = calloc(1, sizeof(*t));
	struct rseq *r = memalign(32, sizeof(*r));
	pthread_t th;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &a);
	check(!pthread_create(&th, NULL, holds, m) && !pthread_join(th, NULL));
	say("owner died %d", pthread_mutex_lock(m) == EOWNERDEAD);
	say("consistent %d", pthread_mutex_consistent(m) + pthread_mutex_unlock(m));
	free(m);
	told("robust list, size", syscall(SYS_set_robust_list, word, 1));
	told("other value", syscall(SYS_futex, word, FUTEX_WAIT, 1, t, NULL, 0));
	told("no time", syscall(SYS_futex, word, FUTEX_WAIT, 0, t, NULL, 0));
	t->tv_nsec = -1;
	told("bad time", syscall(SYS_futex, word, FUTEX_WAIT, 0, t, NULL, 0));
	told("misaligned", syscall(SYS_futex, (char *)word + 1, FUTEX_WAIT, 0, t, NULL, 0));
	told("nobody", syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
	memset(r, 0, sizeof(*r));
	told("rseq, size", syscall(SYS_rseq, r, 1, 0, 0x53053053));
	told("rseq once more", syscall(SYS_rseq, r, sizeof(*r), 0, 0x53053053));
	told("rseq otherwise", syscall(SYS_rseq, r, sizeof(*r), 1 << 20, 0x53053053));
	told("barriers", syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0));
	told("barrier unasked",
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
	told("barrier asked",
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
	told("barrier", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
	told("no barrier", syscall(SYS_membarrier, 1 << 30, 0, 0));
	free(word);
	free(t);
	free(r);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return shown(argv + 1);
	crowd();
	execs();
	clones();
	clones_older();
	waits();
	between();
	by_pidfd();
	locks();
	return done();
}
