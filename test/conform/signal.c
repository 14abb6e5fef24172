/* signal.c - conformance: handlers, masks, queues, waiting for signals. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <ucontext.h>
#include <time.h>

#include "conform.h"

static volatile sig_atomic_t hits;
static sigjmp_buf env;
static int pipe_fd[2];

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

static void hold(int a, int b)
{
	sigset_t s = set_of(a, b);

	sigprocmask(SIG_BLOCK, &s, NULL);
}

static void unhold(int a, int b)
{
	sigset_t s = set_of(a, b);

	sigprocmask(SIG_UNBLOCK, &s, NULL);
}

static int blocked(int sig)
{
	sigset_t s;

	sigprocmask(SIG_SETMASK, NULL, &s);
	return sigismember(&s, sig);
}

static void count(int sig, siginfo_t *si, void *uc)
{
	hits++;
}

static void tell(int sig, siginfo_t *si, void *uc)
{
	if (sig >= SIGRTMIN)
		say("RT+%d code %d value %d", sig - SIGRTMIN, si->si_code, si->si_value.sival_int);
	else
		say("%s code %d", sigabbrev_np(sig), si->si_code);
}

static void queue(int sig, int value)
{
	must(!sigqueue(getpid(), sig, (union sigval){.sival_int = value}));
}

static void sig_rt_order(void)
{
	for (int i = 0; i < 4; i++) {
		handle(SIGRTMIN + i, tell, 0);
		hold(SIGRTMIN + i, 0);
	}
	for (int i = 0; i < 10; i++)
		queue(SIGRTMIN + (i * 7 + 3) % 4, 100 + i);
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	say("end");
}

static void sig_std_coalesce(void)
{
	handle(SIGUSR1, count, 0);
	handle(SIGRTMIN, count, 0);
	hold(SIGUSR1, SIGRTMIN);
	for (int i = 0; i < 5; i++)
		kill(getpid(), SIGUSR1);
	unhold(SIGUSR1, 0);
	say("standard: %d", (int)hits);
	for (int i = 0; i < 5; i++)
		kill(getpid(), SIGRTMIN);
	unhold(SIGRTMIN, 0);
	say("with real-time: %d", (int)hits);
}

static void std_before_rt(void)
{
	int sigs[] = {SIGRTMAX, SIGRTMIN, SIGUSR2, SIGUSR1, SIGHUP};

	for (int i = 0; i < 5; i++) {
		handle(sigs[i], tell, 0);
		hold(sigs[i], 0);
	}
	for (int i = 0; i < 5; i++)
		queue(sigs[i], i);
	while (1) {
		sigset_t pending;

		sigpending(&pending);
		int first = 0;
		for (int s = 1; s < NSIG && !first; s++)
			first = sigismember(&pending, s) == 1 ? s : 0;
		if (!first)
			break;
		unhold(first, 0);
	}
}

static int depth;

static void nest(int sig, siginfo_t *si, void *uc)
{
	say("in %d", ++depth);
	if (depth < 4)
		raise(sig);
	say("out %d", depth--);
}

static void sig_nodefer(void)
{
	handle(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	say("end depth %d", depth);
}

static void defer(int sig, siginfo_t *si, void *uc)
{
	say("in, blocked %d", blocked(sig));
	if (hits++ < 2)
		raise(sig);
	say("out");
}

static void sig_defer(void)
{
	handle(SIGUSR1, defer, 0);
	raise(SIGUSR1);
	say("end blocked %d", blocked(SIGUSR1));
}

static void crash_by_default(void *unused)
{
	handle(SIGUSR1, tell, SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction sa;

	sigaction(SIGUSR1, NULL, &sa);
	say("default again %d", sa.sa_handler == SIG_DFL);
	raise(SIGUSR1);
	say("not reached");
}

static void sig_resethand(void)
{
	say_wait("child", child_start(crash_by_default, NULL));
}

static void sig_mask_in_handler_fn(int sig, siginfo_t *si, void *uc)
{
	say("USR1 %d USR2 %d HUP %d KILL %d", blocked(SIGUSR1), blocked(SIGUSR2), blocked(SIGHUP),
		blocked(SIGKILL));
	raise(SIGUSR2);
	say("USR2 waits: %d", (int)hits);
}

static void sig_mask_in_handler(void)
{
	struct sigaction sa = {.sa_sigaction = sig_mask_in_handler_fn, .sa_flags = SA_SIGINFO};

	sa.sa_mask = set_of(SIGUSR2, SIGKILL);
	handle(SIGUSR2, count, 0);
	must(!sigaction(SIGUSR1, &sa, NULL));
	hold(SIGHUP, 0);
	raise(SIGUSR1);
	say("after: USR1 %d USR2 %d HUP %d, %d", blocked(SIGUSR1), blocked(SIGUSR2),
		blocked(SIGHUP), (int)hits);
}

static void leap(int sig, siginfo_t *si, void *uc)
{
	siglongjmp(env, ++hits);
}

static void sig_longjmp(void)
{
	handle(SIGUSR1, leap, 0);
	int n = sigsetjmp(env, 1);

	if (n < 200)
		raise(SIGUSR1);
	say("%d leaps, blocked %d", n, blocked(SIGUSR1));
}

static void inner(int sig, siginfo_t *si, void *uc)
{
	say("%s inside", sigabbrev_np(sig));
}

static void outer(int sig, siginfo_t *si, void *uc)
{
	say("%s begins", sigabbrev_np(sig));
	raise(sig == SIGHUP ? SIGUSR1 : SIGUSR2);
	say("%s ends", sigabbrev_np(sig));
}

static void sig_nested(void)
{
	handle(SIGHUP, outer, 0);
	handle(SIGUSR1, outer, 0);
	handle(SIGUSR2, inner, 0);
	raise(SIGHUP);
	errno = 0;
	say("end");
}

static void sig_suspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	handle(SIGUSR1, tell, 0);
	hold(SIGUSR1, 0);
	raise(SIGUSR1);
	say("pending");
	int rc = sigsuspend(&none);

	say("sigsuspend %d %d blocked %d", rc, errno, blocked(SIGUSR1));
}

static void sig_ppoll(void)
{
	sigset_t none;
	struct timespec never = {.tv_sec = 1000};
	struct epoll_event ev;

	sigemptyset(&none);
	handle(SIGUSR1, tell, 0);
	hold(SIGUSR1, 0);
	raise(SIGUSR1);
	say("ppoll %s", result(ppoll(NULL, 0, &never, &none)));
	raise(SIGUSR1);
	say("pselect %s", result(pselect(0, NULL, NULL, NULL, &never, &none)));
	raise(SIGUSR1);
	say("epoll_pwait %s", result(epoll_pwait(epoll_create1(0), &ev, 1, -1, &none)));
	say("blocked %d", blocked(SIGUSR1));
	/* and where none comes: it is blocked again all the same */
	struct timespec now = {0};

	say("no signal %s", result(ppoll(NULL, 0, &now, &none)));
	say("no signal %s", result(pselect(0, NULL, NULL, NULL, &now, &none)));
	raise(SIGUSR1);
	say("blocked %d", blocked(SIGUSR1));
}

static void sig_waitinfo(void)
{
	siginfo_t si;
	sigset_t s = set_of(SIGUSR1, SIGRTMIN + 2);

	sigprocmask(SIG_BLOCK, &s, NULL);
	queue(SIGRTMIN + 2, 11);
	queue(SIGRTMIN + 2, 12);
	raise(SIGUSR1);
	for (int i = 0; i < 3; i++) {
		int sig = sigwaitinfo(&s, &si);

		say("%s%d code %d value %d", sig == SIGUSR1 ? "USR1 " : "RT+",
			sig == SIGUSR1 ? 0 : sig - SIGRTMIN, si.si_code,
			sig == SIGUSR1 ? 0 : si.si_value.sival_int);
	}
	struct timespec zero = {0, 0};

	say("none left: %s", result(sigtimedwait(&s, &si, &zero)));
	handle(SIGUSR2, count, SA_RESTART);
	pid_t p = poke_asleep(SIGUSR2, 1);
	say("another signal: %s", result(sigwaitinfo(&s, &si)));
	say_wait("helper", p);
}

static void sig_fd(void)
{
	struct signalfd_siginfo si[4];
	sigset_t s = set_of(SIGUSR1, SIGRTMIN);

	sigprocmask(SIG_BLOCK, &s, NULL);
	int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);

	say("empty %s", result(read(fd, si, sizeof(si))));
	kill(getpid(), SIGUSR1);
	queue(SIGRTMIN, 77);
	queue(SIGRTMIN, 78);
	ssize_t n = read(fd, si, sizeof(si));

	say("read %zd", n);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(si[0]); i++)
		say("code %d value %d pid %d", si[i].ssi_code, si[i].ssi_int,
			(pid_t)si[i].ssi_pid == getpid());
}

static void sig_pending(void)
{
	sigset_t p;

	hold(SIGUSR1, SIGTERM);
	kill(getpid(), SIGTERM);
	pthread_kill(pthread_self(), SIGUSR1);
	sigpending(&p);
	say("USR1 %d TERM %d HUP %d", sigismember(&p, SIGUSR1), sigismember(&p, SIGTERM),
		sigismember(&p, SIGHUP));
	signal(SIGTERM, SIG_IGN);
	sigpending(&p);
	say("ignored: TERM %d", sigismember(&p, SIGTERM));
}

static void *mask_of_thread(void *unused)
{
	say("thread: USR1 %d USR2 %d", blocked(SIGUSR1), blocked(SIGUSR2));
	return NULL;
}

static void say_mask(void *who)
{
	struct sigaction h, i;

	sigaction(SIGHUP, NULL, &h);
	sigaction(SIGINT, NULL, &i);
	say("%s: USR1 %d USR2 %d, HUP default %d, INT ignored %d", (const char *)who,
		blocked(SIGUSR1), blocked(SIGUSR2), h.sa_handler == SIG_DFL,
		i.sa_handler == SIG_IGN);
}

static void exec_mask(void *unused)
{
	conform_exec(".mask", NULL, NULL);
}

static void mask_after_exec(void)
{
	sigset_t p;

	say_mask("exec");
	sigpending(&p);
	say("exec: pending USR1 %d", sigismember(&p, SIGUSR1));
}

static void exec_pending(void *unused)
{
	raise(SIGUSR1);
	conform_exec(".mask", NULL, NULL);
}

static void sig_inherit(void)
{
	pthread_t t;

	hold(SIGUSR1, 0);
	handle(SIGHUP, count, 0);
	signal(SIGINT, SIG_IGN);
	pthread_create(&t, NULL, mask_of_thread, NULL);
	pthread_join(t, NULL);
	say_wait("fork", child_start(say_mask, "fork"));
	say_wait("exec", child_start(exec_mask, NULL));
	say_wait("exec with one pending", child_start(exec_pending, NULL));
}

static void sig_storm(void)
{
	pid_t me = getpid();

	handle(SIGRTMIN + 1, count, SA_RESTART);
	pid_t p = fork();

	if (p == 0) {
		for (int i = 0; i < 300; i++)
			while (sigqueue(me, SIGRTMIN + 1, (union sigval){.sival_int = i}))
				sched_yield();
		_exit(0);
	}
	while (hits < 300)
		getppid();
	say_wait("sender", p);
	say("%d", (int)hits);
}

static void sig_ignored(void)
{
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	must(!pipe(pipe_fd));
	close(pipe_fd[0]);
	say("write %s", result(write(pipe_fd[1], "x", 1)));
	raise(SIGCHLD);
	raise(SIGURG);
	raise(SIGWINCH);
	raise(SIGCONT);
	say("alive");
}

static void sig_action_rules(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN}, old;

	say("KILL %s", result(sigaction(SIGKILL, &sa, NULL)));
	say("STOP %s", result(sigaction(SIGSTOP, &sa, NULL)));
	errno = 0;
	say("65 %s", result(syscall(SYS_rt_sigaction, 65, &sa, NULL, 8)));
	say("query KILL %d", sigaction(SIGKILL, NULL, &old));
	handle(SIGUSR1, count, SA_RESTART | SA_NODEFER | SA_ONSTACK);
	sigaction(SIGUSR1, NULL, &old);
	say("kept: fn %d flags 0x%x", old.sa_sigaction == count, old.sa_flags & ~0x04000000);
	sigset_t s = set_of(SIGKILL, SIGUSR2);
	sigprocmask(SIG_SETMASK, &s, NULL);
	say("KILL %d USR2 %d", blocked(SIGKILL), blocked(SIGUSR2));
	say("kill 0 %d, sig 99: %s", kill(getpid(), 0), result(kill(getpid(), 99)));
}

static void mask_edit(int sig, siginfo_t *si, void *uc)
{
	sigaddset(&((ucontext_t *)uc)->uc_sigmask, SIGUSR2);
}

static void sig_mask_by_context(void)
{
	handle(SIGUSR1, mask_edit, 0);
	say("before %d", blocked(SIGUSR2));
	raise(SIGUSR1);
	say("after %d", blocked(SIGUSR2));
}

const struct conform_case signal_cases[] = {
	{"sig_rt_order", sig_rt_order},
	{"sig_std_coalesce", sig_std_coalesce},
	{"sig_std_before_rt", std_before_rt},
	{"sig_nodefer", sig_nodefer},
	{"sig_defer", sig_defer},
	{"sig_resethand", sig_resethand},
	{"sig_mask_in_handler", sig_mask_in_handler},
	{"sig_mask_by_context", sig_mask_by_context},
	{"sig_longjmp", sig_longjmp},
	{"sig_nested", sig_nested},
	{"sig_suspend", sig_suspend},
	{"sig_ppoll", sig_ppoll},
	{"sig_waitinfo", sig_waitinfo},
	{"sig_fd", sig_fd},
	{"sig_pending", sig_pending},
	{"sig_inherit", sig_inherit},
	{".mask", mask_after_exec},
	{"sig_storm", sig_storm},
	{"sig_ignored", sig_ignored},
	{"sig_action_rules", sig_action_rules},
	{NULL, NULL},
};
