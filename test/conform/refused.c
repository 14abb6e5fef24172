/*
 * refused.c - calls that the kernel refuses, or answers in an old-fashioned way: errors must be the
 * kernel's own, whatever lies in between. See conform.h.
 *
 * Bad pointers are given on purpose: whoever reads them before the kernel does, dies here.
 */
#include "conform.h"

#include <dlfcn.h>
#include <linux/sched.h>
#include <sys/uio.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void clone3_refused(void)
{
	struct {
		struct clone_args args;
		char more[5000];
	} c = {.args = {.exit_signal = SIGCHLD}};
	long pid;

	say("no arguments: %s", result(syscall(SYS_clone3, NULL, sizeof(c.args))));
	say("bad arguments: %s", result(syscall(SYS_clone3, nowhere(), sizeof(c.args))));
	say("of no size: %s", result(syscall(SYS_clone3, &c, 0)));
	say("too small: %s", result(syscall(SYS_clone3, &c, 8)));
	say("too large: %s", result(syscall(SYS_clone3, &c, 4097)));
	c.args.flags = CLONE_SIGHAND;
	say("handlers without memory: %s", result(syscall(SYS_clone3, &c, sizeof(c.args))));
	c.args.flags = 0;
	c.args.stack_size = 4096;
	say("no stack of a size: %s", result(syscall(SYS_clone3, &c, sizeof(c.args))));
	c.args.stack_size = 0;
	pid = syscall(SYS_clone3, &c, sizeof(c.args));
	if (pid == 0)
		_exit(3);
	must(pid > 0);
	say_wait("a good one", (pid_t)pid);
}

static volatile sig_atomic_t came;

static void note(int sig)
{
	came = came * 100 + sig;
}

/* Of the mask what an int holds, without what libc keeps to itself. */
static int first_bits(void)
{
	sigset_t s;
	int bits;

	sigprocmask(SIG_BLOCK, NULL, &s);
	memcpy(&bits, &s, sizeof(bits));
	return bits;
}

static void segv_by_default(void (*open)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSEGV); /* waits */
		open();
		_exit(4);
	}
	say_wait("a waiting SIGSEGV let in", pid);
}

static void by_setmask(void)
{
	sigsetmask(0);
}

static void by_pause(void)
{
	syscall(SYS_alarm, 20); /* ends a wait that is none of ours */
	sigpause(SIGSEGV);
}

static void by_pause_old(void)
{
	int (*pause_old)(int, int) = dlsym(RTLD_DEFAULT, "__sigpause");

	must(pause_old != NULL);
	syscall(SYS_alarm, 20);
	pause_old(0, 0);
}

static void masks_old(void)
{
	int segv = 1 << (SIGSEGV - 1), usr1 = 1 << (SIGUSR1 - 1);

	say("block: %x", sigblock(segv | usr1));
	say("block more: %x", sigblock(1 << (SIGUSR2 - 1)));
	say("all: %x, by the new call: %x", sigblock(0), first_bits());
	segv_by_default(by_setmask);
	segv_by_default(by_pause);
	segv_by_default(by_pause_old);
	signal(SIGUSR1, note);
	raise(SIGUSR1);
	raise(SIGSEGV);
	say("came: %d", came);
	signal(SIGSEGV, note);
	say("open one: %x", sigsetmask(segv));
	say("came: %d", came);
	say("open all: %x", sigsetmask(0));
	say("came: %d, blocked %x", came, first_bits());
	sigblock(usr1);
	raise(SIGUSR1);
	say("pause: %s, blocked %x", result(sigpause(SIGUSR1)), first_bits());
	say("came: %d", came);
	say("pause for no signal: %s", result(sigpause(77)));
}

static void altstack_refused(void)
{
	static char room[1 << 16];
	static const int flags[] = {
		SS_DISABLE | 4, SS_DISABLE | SS_ONSTACK, 8, SS_ONSTACK, 0, SS_DISABLE};
	stack_t now;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		stack_t s = {.ss_sp = room, .ss_size = sizeof(room), .ss_flags = flags[i]};

		say("flags %x: %s", flags[i], result(sigaltstack(&s, NULL)));
		must(!sigaltstack(NULL, &now));
		say("now: %x, %s", now.ss_flags, now.ss_sp == room ? "ours" : "none");
	}
	say("small: %s", result(sigaltstack(&(stack_t){.ss_sp = room, .ss_size = 100}, NULL)));
	say("bad: %s", result(sigaltstack(nowhere(), NULL)));
	say("nowhere to tell: %s", result(sigaltstack(NULL, nowhere())));
}

/* Registers that a call does not read may hold anything: here a block that was freed. */
static void registers_left(void)
{
	char *block = malloc(100), *left;
	struct iovec v[2] = {{block, 0}, {nowhere(), 4}};
	int p[2];

	must(!pipe(p));
	__asm__("movq %1, %0" : "=r"(left) : "r"(block)); /* the compiler would warn */
	free(block);
	say("seccomp: %s", result(syscall(SYS_seccomp, 1, 0, NULL, left, left, left)));
	say("nanosleep: %s", result(syscall(SYS_nanosleep, NULL, left, left, left, left)));
	say("pipe2: %s", result(syscall(SYS_pipe2, NULL, 0, left, left, left, left)));
	say("prctl: %s", result(syscall(SYS_prctl, 16, NULL, left, left, left)));
	say("futex: %s", result(syscall(SYS_futex, nowhere(), 1, 1, left, left, 0)));
	say("writev: %s", result(writev(p[1], v, 2)));
	say("no call: %s", result(syscall(5000, left, left, left, left, left, left)));
}

const struct conform_case refused_cases[] = {
	{"refused_clone3", clone3_refused},
	{"refused_altstack", altstack_refused},
	{"masks_old", masks_old},
	{"registers_left", registers_left},
	{NULL, NULL},
};
