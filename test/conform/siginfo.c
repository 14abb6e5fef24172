/* siginfo.c - conformance: what siginfo says; default actions, children, job control, timers. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "conform.h"

static volatile sig_atomic_t hits;
static int pipe_fd[2];

static void count(int sig, siginfo_t *si, void *uc)
{
	hits++;
}

static void tell(int sig, siginfo_t *si, void *uc)
{
	say("%s signo %d errno %d code %d pid %d uid %d", sigabbrev_np(sig), si->si_signo == sig,
		si->si_errno, si->si_code, si->si_pid == getpid(), si->si_uid == getuid());
}

static void info_sender(void)
{
	handle(SIGUSR1, tell, 0);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	pthread_kill(pthread_self(), SIGUSR1);
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 3});
	syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
	siginfo_t si = {.si_signo = SIGUSR1, .si_code = -77, .si_errno = 5};

	si.si_pid = getpid();
	si.si_uid = getuid();
	say("rt_sigqueueinfo %ld", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si));
}

static void tell_fault(int sig, siginfo_t *si, void *uc)
{
	say("%s code %d addr %p", sigabbrev_np(sig), si->si_code, si->si_addr);
}

static void die_of_fault(void *unused)
{
	siginfo_t si = {.si_signo = SIGFPE, .si_code = FPE_INTDIV, .si_addr = (void *)0x1234};

	signal(SIGFPE, SIG_DFL);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGFPE, &si);
	_exit(7);
}

/* Crash handlers pass the siginfo of a fault on: it comes as it was sent, now or when unblocked. */
static void info_fault_sent(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	siginfo_t si = {.si_code = 2, .si_addr = (void *)0x1234};
	sigset_t set;

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		handle(sigs[i], tell_fault, 0);
		si.si_signo = sigs[i];
		say("%ld", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sigs[i], &si));
		if (i < 2)
			continue; /* a wrapper may hide that these two are blocked */
		sigemptyset(&set);
		sigaddset(&set, sigs[i]);
		sigprocmask(SIG_BLOCK, &set, NULL);
		say("blocked %ld", syscall(SYS_rt_sigqueueinfo, getpid(), sigs[i], &si));
		sigpending(&set);
		say("pending %d", sigismember(&set, sigs[i]));
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	say("no memory %ld", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGSEGV, 8));
	say_wait("default", child_start(die_of_fault, NULL));
}

static void tell_value(int sig, siginfo_t *si, void *uc)
{
	say("code %d value %p", si->si_code, si->si_value.sival_ptr);
}

static void info_value(void)
{
	handle(SIGRTMIN + 5, tell_value, 0);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 5,
			(union sigval){.sival_ptr = (void *)(0x123456789abcul << i)});
}

static void raise_it(void *sig)
{
	raise((int)(intptr_t)sig);
	_exit(7);
}

static void info_default_actions(void)
{
	for (int sig = 1; sig < 32; sig++) {
		if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU ||
			sig == SIGKILL)
			continue;
		char what[32];

		snprintf(what, sizeof(what), "%s", sigabbrev_np(sig));
		say_wait(what, child_start(raise_it, (void *)(intptr_t)sig));
	}
	say_wait("RTMIN", child_start(raise_it, (void *)(intptr_t)SIGRTMIN));
	say_wait("RTMAX", child_start(raise_it, (void *)(intptr_t)SIGRTMAX));
}

static void wait_for_end(void *unused)
{
	for (;;)
		pause();
}

static void info_killed_from_outside(void)
{
	int sigs[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGALRM};

	for (int i = 0; i < 5; i++) {
		pid_t p = child_start(wait_for_end, NULL);

		wait_asleep(p, p);
		kill(p, sigs[i]);
		say_wait("asleep", p);
	}
}

static void spin(void *unused)
{
	must(write(pipe_fd[1], "r", 1) == 1);
	for (;;)
		__asm__ volatile("pause");
}

static void info_killed_spinning(void)
{
	int sigs[] = {SIGKILL, SIGTERM, SIGSEGV};
	char c;

	must(!pipe(pipe_fd));
	for (int i = 0; i < 3; i++) {
		pid_t p = child_start(spin, NULL);

		must(read(pipe_fd[0], &c, 1) == 1);
		kill(p, sigs[i]);
		say_wait("spinning", p);
	}
}

static pid_t last;

static void tell_child(int sig, siginfo_t *si, void *uc)
{
	say("CHLD code %d status %d mine %d", si->si_code, si->si_status, si->si_pid == last);
	hits++;
}

static void exit_3(void *unused)
{
	_exit(3);
}

static void stop_then_exit(void *unused)
{
	raise(SIGSTOP);
	_exit(4);
}

static void stop_then_read(void *unused)
{
	char c;

	raise(SIGSTOP);
	must(read(pipe_fd[0], &c, 1) == 1); /* lest its end comes before the news that it goes on */
	_exit(4);
}

static void hits_await(int n)
{
	sigset_t s, old;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, &old);
	while (hits < n)
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void chld_start(void (*fn)(void *), void *arg)
{
	sigset_t s, old;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, &old);
	last = child_start(fn, arg);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void info_sigchld(void)
{
	handle(SIGCHLD, tell_child, SA_RESTART);
	chld_start(exit_3, NULL);
	hits_await(1);
	say_wait("exit", last);
	chld_start(raise_it, (void *)SIGTERM);
	hits_await(2);
	say_wait("term", last);
	chld_start(raise_it, (void *)SIGABRT);
	hits_await(3);
	say_wait("abort", last);
	must(!pipe(pipe_fd));
	chld_start(stop_then_read, NULL);
	hits_await(4);
	kill(last, SIGCONT);
	hits_await(5);
	must(write(pipe_fd[1], "x", 1) == 1);
	hits_await(6);
	say_wait("stop", last);
}

static void info_sigchld_quiet(void)
{
	int status;

	handle(SIGCHLD, count, SA_NOCLDSTOP | SA_RESTART);
	pid_t p = child_start(stop_then_exit, NULL);

	must(waitpid(p, &status, WUNTRACED) == p);
	say_status("child", status);
	say("no signal: %d", (int)hits);
	kill(p, SIGCONT);
	must(waitpid(p, &status, 0) == p);
	say_status("child", status);
	say("signals: %d", (int)hits);
	signal(SIGCHLD, SIG_IGN);
	p = child_start(exit_3, NULL);
	say("ignored: %s", result(waitpid(p, &status, 0)));
	/* SA_RESTART: the signal may come just before the call sleeps. */
	handle(SIGCHLD, count, SA_NOCLDWAIT | SA_RESTART);
	p = child_start(exit_3, NULL);
	say("no wait: %s", result(waitpid(p, &status, 0)));
}

static void tell_cont(int sig, siginfo_t *si, void *uc)
{
	say("CONT handler");
}

static void job(void *unused)
{
	setpgid(0, 0);
	handle(SIGCONT, tell_cont, 0);
	raise(SIGTSTP);
	raise(SIGSTOP);
	raise(SIGTTIN);
	raise(SIGTTOU);
	_exit(9);
}

static void info_job_control(void)
{
	int status;

	/* An orphaned process group ignores SIGTSTP and SIGTTIN: this session must own it. */
	pid_t p = child_start(job, NULL);

	for (;;) {
		must(waitpid(p, &status, WUNTRACED | WCONTINUED) == p);
		if (WIFCONTINUED(status))
			continue;
		say_status("job", status);
		if (!WIFSTOPPED(status))
			break;
		kill(p, SIGCONT);
	}
}

static void info_stop_spinning(void)
{
	int status;
	char c;

	must(!pipe(pipe_fd));
	pid_t p = child_start(spin, NULL);

	must(read(pipe_fd[0], &c, 1) == 1);
	for (int i = 0; i < 3; i++) {
		kill(p, SIGSTOP);
		must(waitpid(p, &status, WUNTRACED) == p);
		say_status("spinning", status);
		kill(p, SIGCONT);
		must(waitpid(p, &status, WCONTINUED) == p);
		say_status("spinning", status);
	}
	kill(p, SIGKILL);
	say_wait("end", p);
}

static void info_itimer(void)
{
	static const int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
	static const int sigs[] = {SIGALRM, SIGVTALRM, SIGPROF};
	struct itimerval off = {0}, on = {{0, 20000}, {0, 20000}}, old;

	for (int i = 0; i < 3; i++) {
		hits = 0;
		handle(sigs[i], count, SA_RESTART);
		must(!setitimer(which[i], &on, NULL));
		while (hits < 5)
			__asm__ volatile("pause");
		must(!setitimer(which[i], &off, &old));
		say("%s: 5, interval %ld", sigabbrev_np(sigs[i]), (long)old.it_interval.tv_usec);
	}
	handle(SIGALRM, count, 0);
	say("alarm %u", alarm(1000));
	unsigned left = alarm(0);

	say("left %d", left > 900 && left <= 1000);
}

static int timer_thread;

static void tell_timer(int sig, siginfo_t *si, void *uc)
{
	if (hits++ == 0)
		say("timer code %d value %d here %d", si->si_code, si->si_value.sival_int,
			timer_thread == 0 || gettid() == timer_thread);
}

static void timer_try(struct sigevent *ev)
{
	timer_t t;
	struct itimerspec on = {{0, 10000000}, {0, 10000000}}, off = {{0, 0}, {0, 0}};

	hits = 0;
	must(!timer_create(CLOCK_MONOTONIC, ev, &t));
	must(!timer_settime(t, 0, &on, NULL));
	while (hits < 3)
		__asm__ volatile("pause");
	must(!timer_settime(t, 0, &off, NULL));
	say("deleted %d", timer_delete(t));
}

static volatile int notified;

/* Each is a thread of its own, and one may still be here when the next ones have come. */
static void timer_thread_fn(union sigval v)
{
	notified = v.sival_int;
	__atomic_fetch_add(&hits, 1, __ATOMIC_SEQ_CST);
}

static void info_timer(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};

	ev.sigev_value.sival_int = 31;
	handle(SIGRTMIN + 3, tell_timer, SA_RESTART);
	timer_try(&ev);
	ev.sigev_notify = 4; /* SIGEV_THREAD_ID */
	ev._sigev_un._tid = timer_thread = gettid();
	timer_try(&ev);
	ev = (struct sigevent){
		.sigev_notify = SIGEV_THREAD, .sigev_notify_function = timer_thread_fn};
	ev.sigev_value.sival_int = 32;
	timer_try(&ev);
	say("notified %d", notified);
}

static void abort_handled(int sig, siginfo_t *si, void *uc)
{
	say("handler of %s", sigabbrev_np(sig));
}

static void do_abort(void *unused)
{
	handle(SIGABRT, abort_handled, 0);
	abort();
}

static void do_exit_in_handler(int sig, siginfo_t *si, void *uc)
{
	_exit(42);
}

static void raise_exit(void *unused)
{
	handle(SIGUSR1, do_exit_in_handler, 0);
	raise(SIGUSR1);
}

static void write_null(void *unused)
{
	*(volatile int *)8 = 1;
}

static void segv_blocked(void *unused)
{
	sigset_t s;

	handle(SIGSEGV, abort_handled, 0);
	sigfillset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	write_null(NULL);
}

static void segv_ignored(void *unused)
{
	signal(SIGSEGV, SIG_IGN);
	write_null(NULL);
}

static void segv_in_handler(int sig, siginfo_t *si, void *uc)
{
	say("first");
	write_null(NULL);
}

static void segv_twice(void *unused)
{
	handle(SIGSEGV, segv_in_handler, 0);
	write_null(NULL);
}

static void pipe_broken(void *unused)
{
	must(!pipe(pipe_fd));
	close(pipe_fd[0]);
	say("write %zd", write(pipe_fd[1], "x", 1));
}

static void cpu_limit(void *unused)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){1, 5});
	for (;;)
		__asm__ volatile("pause");
}

static void file_limit(void *unused)
{
	int fd = temp_file(0);

	setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, 4096});
	say("write %zd", pwrite(fd, "x", 1, 8192));
}

static void info_deaths(void)
{
	say_wait("abort", child_start(do_abort, NULL));
	say_wait("exit in handler", child_start(raise_exit, NULL));
	say_wait("segv", child_start(write_null, NULL));
	say_wait("segv while blocked", child_start(segv_blocked, NULL));
	say_wait("segv while ignored", child_start(segv_ignored, NULL));
	say_wait("segv in its handler", child_start(segv_twice, NULL));
	say_wait("pipe", child_start(pipe_broken, NULL));
	say_wait("cpu limit", child_start(cpu_limit, NULL));
	say_wait("file limit", child_start(file_limit, NULL));
}

const struct conform_case siginfo_cases[] = {
	{"info_sender", info_sender},
	{"info_fault_sent", info_fault_sent},
	{"info_value", info_value},
	{"info_default_actions", info_default_actions},
	{"info_killed_from_outside", info_killed_from_outside},
	{"info_killed_spinning", info_killed_spinning},
	{"info_sigchld", info_sigchld},
	{"info_sigchld_quiet", info_sigchld_quiet},
	{"info_job_control", info_job_control},
	{"info_stop_spinning", info_stop_spinning},
	{"info_itimer", info_itimer},
	{"info_timer", info_timer},
	{"info_deaths", info_deaths},
	{NULL, NULL},
};
