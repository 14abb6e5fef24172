/* restart.c - conformance: calls that a signal interrupts, and which of them go on. */
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "conform.h"

static volatile sig_atomic_t hits;
static int pipe_fd[2];

static void count(int sig, siginfo_t *si, void *uc)
{
	hits++;
}

/* The handler that makes an interrupted read able to end, should it be restarted. */
static void feed(int sig, siginfo_t *si, void *uc)
{
	hits++;
	if (write(pipe_fd[1], "x", 1) != 1)
		die("write");
}

static void read_under(int flags)
{
	char c = 0;

	must(!pipe(pipe_fd));
	handle(SIGUSR1, feed, flags);
	pid_t p = poke_asleep(SIGUSR1, 1);
	ssize_t n = read(pipe_fd[0], &c, 1);

	say("read %zd errno %d, %d signal", n, n < 0 ? errno : 0, (int)hits);
	say_wait("helper", p);
}

static void sig_restart(void)
{
	read_under(SA_RESTART);
}

static void sig_eintr(void)
{
	read_under(0);
}

static void sig_never_restarts(void)
{
	struct epoll_event ev;
	int ep = epoll_create1(0);
	fd_set fds;
	pid_t p;

	must(!pipe(pipe_fd));
	handle(SIGUSR1, count, SA_RESTART);
	FD_ZERO(&fds);
	p = poke_asleep(SIGUSR1, 1);
	say("poll %s", result(poll(&(struct pollfd){.fd = pipe_fd[0], .events = POLLIN}, 1, -1)));
	say_wait("helper", p);
	p = poke_asleep(SIGUSR1, 1);
	say("select %s", result(select(0, &fds, NULL, NULL, NULL)));
	say_wait("helper", p);
	p = poke_asleep(SIGUSR1, 1);
	say("epoll_wait %s", result(epoll_wait(ep, &ev, 1, -1)));
	say_wait("helper", p);
	p = poke_asleep(SIGUSR1, 1);
	say("pause %s", result(pause()));
	say_wait("helper", p);
	say("%d signals", (int)hits);
}

static void sleep_long(void *unused)
{
	char c;

	close(pipe_fd[1]);
	_exit(read(pipe_fd[0], &c, 1) == 0 ? 4 : 5);
}

static void end_child(int sig, siginfo_t *si, void *uc)
{
	hits++;
	close(pipe_fd[1]);
}

static void sig_restart_wait(void)
{
	int status;

	must(!pipe(pipe_fd));
	pid_t child = child_start(sleep_long, NULL);

	handle(SIGUSR1, end_child, SA_RESTART);
	pid_t me = getpid(), p = fork();

	if (p == 0) {
		close(pipe_fd[1]);
		wait_asleep(me, me);
		kill(me, SIGUSR1);
		_exit(0);
	}
	pid_t got = waitpid(child, &status, 0);

	say("waitpid %d, %d signal", got == child, (int)hits);
	say_status("child", status);
	say_wait("helper", p);
}

static sem_t sem;

static void post(int sig, siginfo_t *si, void *uc)
{
	hits++;
	sem_post(&sem);
}

static void sig_sem_wait(void)
{
	sem_init(&sem, 0, 0);
	handle(SIGUSR1, count, 0);
	pid_t p = poke_asleep(SIGUSR1, 1);

	say("plain %s", result(sem_wait(&sem)));
	say_wait("helper", p);
	handle(SIGUSR1, post, SA_RESTART);
	p = poke_asleep(SIGUSR1, 1);
	say("restart %d", sem_wait(&sem));
	say_wait("helper", p);
	say("%d signals", (int)hits);
}

static void sig_nanosleep_left(void)
{
	struct timespec left = {0, 0};

	handle(SIGUSR1, count, SA_RESTART);
	pid_t p = poke_asleep(SIGUSR1, 1);
	int rc = nanosleep(&(struct timespec){.tv_sec = 1000}, &left);

	say("nanosleep %d %d, left %d", rc, errno, left.tv_sec > 900 && left.tv_sec < 1000);
	say_wait("helper", p);
	p = poke_asleep(SIGUSR1, 1);
	rc = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_sec = 500}, &left);
	say("clock_nanosleep %d, left %d", rc, left.tv_sec > 400 && left.tv_sec < 500);
	say_wait("helper", p);
}

static pthread_t forker;
static volatile int forked;

/* The next when the last was handled. */
static void *sends_always(void *arg)
{
	while (!forked) {
		int was = hits;

		pthread_kill(forker, SIGUSR1);
		while (hits == was && !forked)
			sched_yield();
	}
	return arg;
}

static volatile sig_atomic_t hit_child;

static void in_child(int sig, siginfo_t *si, void *uc)
{
	hit_child = 1;
}

/* Forks that a signal comes right before, or into: the child has no part of it, and takes its own. */
static void sig_fork(void)
{
	pthread_t t;
	int good = 0, status;

	forker = pthread_self();
	handle(SIGUSR1, count, SA_RESTART);
	handle(SIGUSR2, in_child, 0);
	t = thread_start(sends_always, NULL);
	for (int i = 0; i < 60; i++) {
		pid_t pid = (pid_t)syscall(SYS_fork);

		if (!pid) {
			syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
			syscall(SYS_exit_group, hit_child ? 7 : 8);
		}
		while (waitpid(pid, &status, 0) < 0)
			;
		good += status == 7 << 8;
	}
	forked = 1;
	pthread_join(t, NULL);
	say("%d children took their signal", good);
}

const struct conform_case restart_cases[] = {
	{"sig_restart", sig_restart},
	{"sig_eintr", sig_eintr},
	{"sig_never_restarts", sig_never_restarts},
	{"sig_restart_wait", sig_restart_wait},
	{"sig_sem_wait", sig_sem_wait},
	{"sig_nanosleep_left", sig_nanosleep_left},
	{"sig_fork", sig_fork},
	{NULL, NULL},
};
