// SIGSEGV that is sent, with the siginfo of a fault or without, while it is blocked: pending,
// waited for, taken by another thread, ignored, inherited over exec. And masks that a handler
// leaves behind.
// host-only: two cases differ in ring 0: what waits is lost over exec, and by sigtimedwait
#include "ok.h"

#include <setjmp.h>
#include <sys/syscall.h>

static volatile int count, stop, ready;
static siginfo_t got;
static char *self;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	got = *si;
	count++;
}

static void repair(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	count++;
	mprotect((void *)((uintptr_t)si->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

static sigset_t all(void)
{
	sigset_t s;

	sigfillset(&s);
	return s;
}

static void repair_masked(int sig, siginfo_t *si, void *uc)
{
	sigset_t s = all(), old;

	sigprocmask(SIG_SETMASK, &s, &old);
	repair(sig, si, uc);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static char *guard_page(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void write_to(volatile char *p)
{
	*p = 1;
}

static void install(void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

	sigaction(SIGSEGV, &sa, NULL);
}

static sigset_t only_segv(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGSEGV);
	return s;
}

static void mask(int how)
{
	sigset_t s = only_segv();

	sigprocmask(how, &s, NULL);
}

static int is_blocked(void)
{
	sigset_t s;

	sigprocmask(SIG_BLOCK, NULL, &s);
	return sigismember(&s, SIGSEGV);
}

static int is_pending(void)
{
	sigset_t s;

	sigpending(&s);
	return sigismember(&s, SIGSEGV);
}

static void send_like_fault(void *addr)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_ACCERR, .si_addr = addr};

	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGSEGV, &si);
}

static void told(const char *when)
{
	say("%s: count %d code %d addr %p blocked %d pending %d", when, count, got.si_code,
		got.si_addr, is_blocked(), is_pending());
}

static int like_fault(void)
{
	install(note, 0);
	mask(SIG_BLOCK);
	send_like_fault((void *)0x1234);
	told("blocked");
	mask(SIG_UNBLOCK);
	told("open");
	send_like_fault((void *)0x5678);
	told("again");
	return 0;
}

static int all_blocked(void)
{
	sigset_t s = all();

	install(note, 0);
	sigprocmask(SIG_BLOCK, &s, NULL);
	say("blocked %d", is_blocked());
	raise(SIGSEGV);
	say("count %d blocked %d", count, is_blocked());
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

static int like_fault_default(void)
{
	mask(SIG_BLOCK);
	send_like_fault((void *)0x1234);
	say("blocked");
	mask(SIG_UNBLOCK);
	return 1;
}

static int like_fault_open(void)
{
	send_like_fault((void *)0x1234);
	return 1;
}

static int like_fault_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	send_like_fault((void *)0x1234);
	say("alive");
	return 0;
}

/* As the thread's last fault was. */
static int like_the_last(void)
{
	char *p = guard_page();

	install(repair, 0);
	write_to(p);
	install(note, 0);
	mask(SIG_BLOCK);
	send_like_fault(p);
	say("blocked: %d", count);
	mask(SIG_UNBLOCK);
	say("open: %d %d", count, got.si_addr == p);
	return 0;
}

static int value(void)
{
	install(note, 0);
	mask(SIG_BLOCK);
	sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 77});
	sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 78});
	say("blocked: %d", count);
	mask(SIG_UNBLOCK);
	say("open: %d code %d value %d", count, got.si_code, got.si_value.sival_int);
	return 0;
}

static int waited_for(void)
{
	struct timespec t = {1, 0};
	sigset_t s = only_segv();

	install(note, 0);
	mask(SIG_BLOCK);
	raise(SIGSEGV);
	say("got %d", sigtimedwait(&s, NULL, &t));
	mask(SIG_UNBLOCK);
	say("count %d", count);
	return 0;
}

static void *stands_open(void *arg)
{
	ready = 1;
	while (!stop)
		usleep(1000);
	return arg;
}

static int by_another_thread(void)
{
	pthread_t t;

	install(note, 0);
	pthread_create(&t, NULL, stands_open, NULL);
	while (!ready)
		usleep(100);
	mask(SIG_BLOCK);
	kill(getpid(), SIGSEGV);
	while (!count) /* whoever is never told hangs */
		usleep(1000);
	say("count %d", count);
	stop = 1;
	pthread_join(t, NULL);
	mask(SIG_UNBLOCK);
	say("count %d", count);
	return 0;
}

static int then_a_fault(void)
{
	install(note, 0);
	mask(SIG_BLOCK);
	raise(SIGSEGV);
	write_to(guard_page());
	return 1;
}

static int with_nodefer(void)
{
	sigset_t s = all();

	install(note, SA_NODEFER);
	mask(SIG_BLOCK);
	send_like_fault((void *)0x1234);
	sigprocmask(SIG_SETMASK, &s, NULL);
	told("all blocked");
	sigemptyset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	told("open");
	return 0;
}

static int suspended(void)
{
	sigset_t s;

	install(note, 0);
	mask(SIG_BLOCK);
	raise(SIGSEGV);
	sigemptyset(&s);
	say("suspend %d", sigsuspend(&s));
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

static int ignored_meanwhile(void)
{
	install(note, 0);
	mask(SIG_BLOCK);
	raise(SIGSEGV);
	kill(getpid(), SIGSEGV);
	signal(SIGSEGV, SIG_IGN);
	install(note, 0);
	mask(SIG_UNBLOCK);
	say("count %d", count);
	return 0;
}

/* Neither one that is ignored nor one that is blocked interrupts a call. */
static int reads_on(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};
	pid_t parent = getpid(), pid;
	char c = 0;
	int fd[2];

	sigaction(SIGSEGV, &sa, NULL);
	mask(SIG_BLOCK);
	signal(SIGBUS, SIG_IGN);
	if (pipe(fd))
		return 1;
	pid = fork();
	if (!pid) {
		usleep(20000);
		kill(parent, SIGBUS);
		kill(parent, SIGSEGV);
		usleep(20000);
		_exit(write(fd[1], "x", 1) != 1);
	}
	say("read %d", (int)read(fd[0], &c, 1));
	say_end("writer", wait_for(pid));
	return 0;
}

static int over_exec(void)
{
	mask(SIG_BLOCK);
	execl("/nowhere", self, (char *)NULL);
	raise(SIGSEGV);
	execl(self, self, "exec", (char *)NULL);
	return 1;
}

static int over_exec_alone(void)
{
	mask(SIG_BLOCK);
	execl(self, self, "exec", (char *)NULL);
	return 1;
}

static int after_exec(void)
{
	install(note, 0);
	say("blocked %d pending %d", is_blocked(), is_pending());
	mask(SIG_UNBLOCK);
	say("count %d", count);
	return 0;
}

static int handler_masks(void)
{
	install(repair_masked, 0);
	write_to(guard_page());
	write_to(guard_page());
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

static int handler_masks_bus_blocked(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGBUS);
	sigprocmask(SIG_BLOCK, &s, NULL);
	install(repair_masked, 0);
	write_to(guard_page());
	write_to(guard_page());
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

static void blocks(int sig)
{
	(void)sig;
	mask(SIG_BLOCK);
}

static int handler_blocks(void)
{
	install(repair, 0);
	signal(SIGUSR1, blocks);
	raise(SIGUSR1);
	write_to(guard_page());
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

static sigjmp_buf out;

static void blocks_and_jumps(int sig)
{
	sigset_t s = all();

	(void)sig;
	sigprocmask(SIG_BLOCK, &s, NULL);
	siglongjmp(out, 1);
}

static int handler_jumps(void)
{
	install(repair, 0);
	signal(SIGUSR1, blocks_and_jumps);
	if (!sigsetjmp(out, 1))
		raise(SIGUSR1);
	write_to(guard_page());
	say("count %d blocked %d", count, is_blocked());
	return 0;
}

/* What was blocked before a handler that blocks and opens again is blocked after it. */
static void balanced(int sig)
{
	sigset_t s = all(), old;

	(void)sig;
	sigprocmask(SIG_BLOCK, &s, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int stays_blocked(void)
{
	install(note, 0);
	mask(SIG_BLOCK);
	signal(SIGUSR1, balanced);
	raise(SIGUSR1);
	raise(SIGSEGV);
	told("blocked");
	mask(SIG_UNBLOCK);
	say("count %d", count);
	return 0;
}

#define CASE(name)          \
	{                   \
#name, name \
	}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} cases[] = {CASE(all_blocked), CASE(like_fault), CASE(like_fault_default),
		CASE(like_fault_open), CASE(like_fault_ignored), CASE(like_the_last), CASE(value),
		CASE(waited_for), CASE(by_another_thread), CASE(then_a_fault), CASE(with_nodefer),
		CASE(suspended), CASE(ignored_meanwhile), CASE(reads_on), CASE(over_exec),
		CASE(over_exec_alone), CASE(handler_masks), CASE(handler_masks_bus_blocked),
		CASE(handler_blocks), CASE(handler_jumps), CASE(stays_blocked)};
	unsigned i;

	self = argv[0];
	if (argc > 1)
		return after_exec();
	for (i = 0; i < ARRAY_N(cases); i++)
		in_child(cases[i].name, cases[i].fn);
	return 0;
}
