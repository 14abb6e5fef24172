/* ends.c - conformance: how a process of many threads ends, execs and forks; clone. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "conform.h"

static atomic_long counter;
static int turn;
static __thread int tls = 7;

static void *add(void *n)
{
	counter += (long)n;
	return NULL;
}

static void process_leaves(void *lock)
{
	pthread_mutex_lock(lock);
}

static void *last_words(void *leader)
{
	pthread_join((pthread_t)leader, NULL);
	say("main has gone, gettid differs %d", gettid() != getpid());
	return NULL;
}

static void main_leaves(void *unused)
{
	thread_start(last_words, (void *)pthread_self());
	pthread_exit(NULL);
}

static void thr_main_first(void)
{
	say_wait("process", child_start(main_leaves, NULL));
}

static __attribute__((noreturn)) void *spin(void *unused)
{
	counter++;
	for (;;)
		__asm__ volatile("pause");
}

static __attribute__((noreturn)) void *sleep_on(void *unused)
{
	counter++;
	for (;;)
		pause();
}

static __attribute__((noreturn)) void *call_exit(void *unused)
{
	exit(7);
}

static void crowd(void)
{
	for (int i = 0; i < 4; i++) {
		thread_start(spin, NULL);
		thread_start(sleep_on, NULL);
	}
	while (counter < 8)
		sched_yield();
}

static void exit_from_main(void *unused)
{
	crowd();
	_exit(5);
}

static void exit_from_thread(void *unused)
{
	crowd();
	pthread_join(thread_start(call_exit, NULL), NULL);
}

static void die_among_threads(void *unused)
{
	crowd();
	kill(getpid(), SIGTERM);
	pause();
}

static void thr_exit_group(void)
{
	say_wait("main", child_start(exit_from_main, NULL));
	say_wait("thread", child_start(exit_from_thread, NULL));
	say_wait("signal", child_start(die_among_threads, NULL));
}

static void thr_execed(void)
{
	say("executed, pid kept %d, leader %d", atoi(conform_argv[1]) == getpid(),
		gettid() == getpid());
}

static void *exec_it(void *unused)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	conform_exec(".thr_execed", pid, NULL);
	return NULL;
}

static void exec_child(void *unused)
{
	crowd();
	pthread_join(thread_start(exec_it, NULL), NULL);
}

static void thr_exec(void)
{
	say_wait("process", child_start(exec_child, NULL));
}

static void *fork_it(void *unused)
{
	pid_t p = fork();

	if (p == 0) {
		say("child: leader %d, tls %d", gettid() == getpid(), tls);
		pthread_join(thread_start(add, (void *)10), NULL);
		say("child's thread: %ld", (long)counter);
		_exit(3);
	}
	say_wait("child", p);
	return NULL;
}

static void thr_fork(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	tls = 8;
	pthread_join(thread_start(fork_it, NULL), NULL);
	crowd();
	say_wait("from a crowd", child_start(process_leaves, &lock));
	pthread_join(thread_start(fork_it, NULL), NULL);
}

enum { CLONE_STACK = 65536 };
static pid_t clone_tid;

static int clone_fn(void *arg)
{
	turn = 55;
	_exit((int)(long)arg);
}

static void thr_clone(void)
{
	int status;
	char *clone_stack = block(CLONE_STACK);
	pid_t p = clone(clone_fn, clone_stack + CLONE_STACK, CLONE_VM | SIGCHLD, (void *)12);

	must(waitpid(p, &status, 0) == p);
	say_status("CLONE_VM", status);
	say("memory shared %d", turn == 55);
	turn = 0;
	p = clone(clone_fn, clone_stack + CLONE_STACK, SIGCHLD, (void *)13);
	must(waitpid(p, &status, 0) == p);
	say_status("plain", status);
	say("memory shared %d", turn == 55);
	p = clone(clone_fn, clone_stack + CLONE_STACK,
		CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
		(void *)14, &clone_tid, NULL, &clone_tid);
	must(waitpid(p, &status, 0) == p);
	say_status("vfork, cleared tid", status);
	say("tid %d", clone_tid);
	p = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (p == 0)
		_exit(15);
	must(waitpid(p, &status, 0) == p);
	say_status("like fork", status);
}

const struct conform_case ends_cases[] = {
	{"thr_main_first", thr_main_first},
	{"thr_exit_group", thr_exit_group},
	{"thr_exec", thr_exec},
	{".thr_execed", thr_execed},
	{"thr_fork", thr_fork},
	{"thr_clone", thr_clone},
	{NULL, NULL},
};
