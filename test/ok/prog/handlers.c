// The program's own SIGSEGV and SIGBUS handlers: for its own faults they work as if we were not
// there. Every case runs in a child of its own; the transcript is compared with the native one.
#include "ok.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf out;
static char *page;
static volatile int count;

static char *guard_page(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void install(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &sa, NULL);
}

static void jump(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	say("sig %d code %d at page %d", sig, si->si_code, (char *)si->si_addr == page);
	siglongjmp(out, 1);
}

static void repair(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	(void)sig;
	count++;
	mprotect((void *)((uintptr_t)si->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

static int jump_out(void)
{
	int i;

	page = guard_page();
	install(SIGSEGV, jump, 0);
	for (i = 0; i < 3; i++)
		if (!sigsetjmp(out, 1))
			*(volatile char *)page = 1;
	return 0;
}

static int null_pointer(void)
{
	page = NULL;
	install(SIGSEGV, jump, 0);
	if (!sigsetjmp(out, 1))
		*(volatile char *)page = 1;
	return 0;
}

static int write_barrier(void)
{
	char *p = mmap(NULL, 200 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	install(SIGSEGV, repair, 0);
	for (i = 0; i < 200; i++)
		((volatile char *)p)[i * 4096 + i] = i;
	say("%d faults, %d", count, p[7 * 4096 + 7]);
	return 0;
}

static void on_stack(int sig, siginfo_t *si, void *uc)
{
	stack_t ss;
	char local;

	(void)sig;
	(void)uc;
	sigaltstack(NULL, &ss);
	say("code %d on alternate stack %d, inside %d", si->si_code, ss.ss_flags == SS_ONSTACK,
		&local >= (char *)ss.ss_sp && &local < (char *)ss.ss_sp + ss.ss_size);
	siglongjmp(out, 1);
}

static void *alternate_in_thread(void *arg)
{
	stack_t ss = {.ss_size = 65536};

	ss.ss_sp = malloc(65536);
	sigaltstack(&ss, NULL);
	if (!sigsetjmp(out, 1))
		*(volatile char *)arg = 1;
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	free(ss.ss_sp);
	return NULL;
}

static int alternate(void)
{
	pthread_t t;

	install(SIGSEGV, on_stack, SA_ONSTACK);
	alternate_in_thread(guard_page());
	pthread_create(&t, NULL, alternate_in_thread, guard_page());
	pthread_join(t, NULL);
	return 0;
}

static int recurse(volatile char *p)
{
	volatile char here[4000];

	here[0] = p ? *p : 0;
	return recurse(here) + here[0];
}

static int overflow(void)
{
	stack_t ss = {.ss_size = 65536};
	struct rlimit small = {512 << 10, 512 << 10};

	setrlimit(RLIMIT_STACK, &small);
	ss.ss_sp = malloc(65536);
	sigaltstack(&ss, NULL);
	install(SIGSEGV, on_stack, SA_ONSTACK);
	if (!sigsetjmp(out, 1))
		recurse(NULL);
	return 0;
}

static int overflow_unhandled(void)
{
	struct rlimit small = {512 << 10, 512 << 10};

	setrlimit(RLIMIT_STACK, &small);
	return recurse(NULL);
}

static int reset_hand(void)
{
	struct sigaction sa;

	page = guard_page();
	install(SIGSEGV, jump, SA_RESETHAND);
	if (!sigsetjmp(out, 1))
		*(volatile char *)page = 1;
	sigaction(SIGSEGV, NULL, &sa);
	say("default again %d, reset %d", sa.sa_handler == SIG_DFL,
		(sa.sa_flags & (int)SA_RESETHAND) != 0);
	*(volatile char *)page = 1;
	return 0;
}

static void nested_inner(int sig, siginfo_t *si, void *uc)
{
	say("inner %d", sig);
	repair(sig, si, uc);
}

static void nested_outer(int sig, siginfo_t *si, void *uc)
{
	static char *other;

	say("outer %d", sig);
	install(SIGSEGV, nested_inner, SA_NODEFER);
	other = guard_page();
	*(volatile char *)other = 5;
	say("back in outer %d", *other);
	repair(sig, si, uc);
}

static int nested(void)
{
	page = guard_page();
	install(SIGSEGV, nested_outer, SA_NODEFER);
	*(volatile char *)page = 1;
	say("value %d", *page);
	return 0;
}

static int fault_in_handler(void)
{
	page = guard_page();
	install(SIGSEGV, nested_outer, 0); /* SIGSEGV is blocked in it: the second fault kills */
	*(volatile char *)page = 1;
	return 0;
}

static int blocked(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGSEGV);
	install(SIGSEGV, jump, 0);
	sigprocmask(SIG_BLOCK, &s, NULL);
	*(volatile char *)guard_page() = 1;
	return 0;
}

static int ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	*(volatile char *)guard_page() = 1;
	return 0;
}

static int ignored_raise(void)
{
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	say("went on");
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

static void plain(int sig)
{
	count += sig;
}

static int asked(void)
{
	struct sigaction sa;
	void (*old)(int);

	sigaction(SIGSEGV, NULL, &sa);
	say("at first default %d flags %x", sa.sa_handler == SIG_DFL, sa.sa_flags & 0x7fffffff);
	old = signal(SIGSEGV, plain);
	say("old default %d", old == SIG_DFL);
	old = signal(SIGSEGV, SIG_DFL);
	say("old mine %d", old == plain);
	install(SIGBUS, jump, SA_RESTART | SA_ONSTACK);
	sigaction(SIGBUS, NULL, &sa);
	say("mine %d flags %x", sa.sa_sigaction == jump,
		sa.sa_flags & (SA_RESTART | SA_ONSTACK | SA_NODEFER | SA_SIGINFO | SA_RESETHAND));
	signal(SIGSEGV, plain);
	raise(SIGSEGV);
	kill(getpid(), SIGSEGV);
	pthread_kill(pthread_self(), SIGSEGV);
	say("count %d", count);
	say("bad signal %d", sigaction(999, NULL, &sa));
	say("kill %d", signal(SIGKILL, plain) == SIG_ERR);
	return 0;
}

static void masks(int sig, siginfo_t *si, void *uc)
{
	sigset_t now;
	int i, n = 0, bits = 0;

	(void)si;
	sigprocmask(SIG_BLOCK, NULL, &now);
	for (i = 1; i < 32; i++)
		if (sigismember(&now, i) == 1)
			n++, bits = bits * 31 + i;
	say("sig %d: %d blocked, %d", sig, n, bits);
	say("context's mask has USR2 %d SEGV %d",
		sigismember(&((ucontext_t *)uc)->uc_sigmask, SIGUSR2),
		sigismember(&((ucontext_t *)uc)->uc_sigmask, SIGSEGV));
	siglongjmp(out, 1);
}

static int masked(void)
{
	struct sigaction sa = {.sa_sigaction = masks, .sa_flags = SA_SIGINFO};
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	sigprocmask(SIG_BLOCK, &s, NULL);
	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaddset(&sa.sa_mask, SIGALRM);
	sigaction(SIGSEGV, &sa, NULL);
	if (!sigsetjmp(out, 1))
		*(volatile char *)guard_page() = 1;
	sigprocmask(SIG_BLOCK, NULL, &s);
	say("after: USR1 %d USR2 %d SEGV %d", sigismember(&s, SIGUSR1), sigismember(&s, SIGUSR2),
		sigismember(&s, SIGSEGV));
	return 0;
}

static int bus(void)
{
	int fd = memfd_create("x", 0);

	if (ftruncate(fd, 4096))
		return 9;
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page += 4096;
	install(SIGBUS, jump, 0);
	if (!sigsetjmp(out, 1))
		*(volatile char *)page = 1;
	signal(SIGBUS, SIG_DFL);
	*(volatile char *)page = 1;
	return 0;
}

static void skip_instruction(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *c = uc;

	(void)si;
	(void)sig;
	c->uc_mcontext.gregs[REG_RIP] += 2; /* movb (%rax), %al */
	c->uc_mcontext.gregs[REG_RAX] = 0x77;
}

static int emulate(void)
{
	long v = 0;

	page = guard_page();
	install(SIGSEGV, skip_instruction, 0);
	__asm__ volatile("movb (%%rax), %%al" : "=a"(v) : "0"(page) : "memory");
	say("emulated %lx", v);
	return 0;
}

static int unhandled(void)
{
	*(volatile char *)guard_page() = 1;
	return 0;
}

static int general_protection(void)
{
	page = NULL;
	install(SIGSEGV, jump, 0);
	if (!sigsetjmp(out, 1))
		*(volatile char *)0xdead000000000000 = 1;
	signal(SIGSEGV, SIG_DFL);
	*(volatile char *)0xdead000000000000 = 1;
	return 0;
}

static int malloc_in_handler_after(void)
{
	int i;

	page = guard_page();
	install(SIGSEGV, jump, 0);
	for (i = 0; i < 3; i++)
		if (!sigsetjmp(out, 1)) {
			char *p = malloc(100);

			HIDE(p);
			free(p);
			*(volatile char *)page = 1;
		} else {
			free(malloc(1000 * i));
		}
	return 0;
}

static int inherited(void)
{
	pid_t pid;

	install(SIGSEGV, jump, 0);
	page = guard_page();
	pid = fork();
	if (!pid) {
		if (!sigsetjmp(out, 1))
			*(volatile char *)page = 1;
		_exit(4);
	}
	say_end("child", wait_for(pid));
	signal(SIGSEGV, SIG_DFL);
	pid = fork();
	if (!pid)
		*(volatile char *)page = 1;
	say_end("child", wait_for(pid));
	return 0;
}

static int exec_resets(void)
{
	install(SIGSEGV, jump, 0);
	execl("/bin/sh", "sh", "-c", "kill -SEGV $$; echo survived", (char *)NULL);
	return 9;
}

static int exec_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	execl("/bin/sh", "sh", "-c", "kill -SEGV $$; echo survived", (char *)NULL);
	return 9;
}

#define CASE(name)          \
	{                   \
#name, name \
	}

/* The kernel forgets flags that it does not know, and never blocks SIGKILL. */
static int future_flags(void)
{
	for (int k = 0; k < 3; k++) {
		int sig = (int[]){SIGSEGV, SIGBUS, SIGUSR2}[k];
		struct sigaction sa = {.sa_handler = SIG_IGN, .sa_flags = ~0x04000000}, was, old;

		sigfillset(&sa.sa_mask);
		check(!sigaction(sig, &sa, &was));
		check(!sigaction(sig, NULL, &old));
		say("flags %x kill %d", old.sa_flags & ~0x04000000,
			sigismember(&old.sa_mask, SIGKILL));
		check(!sigaction(sig, &was, NULL));
	}
	return done();
}

int main(void)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} all[] = {CASE(jump_out), CASE(null_pointer), CASE(write_barrier), CASE(alternate),
		CASE(overflow), CASE(overflow_unhandled), CASE(reset_hand), CASE(nested),
		CASE(fault_in_handler), CASE(blocked), CASE(ignored), CASE(ignored_raise),
		CASE(asked), CASE(masked), CASE(bus), CASE(emulate), CASE(unhandled),
		CASE(general_protection), CASE(malloc_in_handler_after), CASE(inherited),
		CASE(exec_resets), CASE(exec_ignored), CASE(future_flags)};
	unsigned i;

	for (i = 0; i < ARRAY_N(all); i++)
		in_child(all[i].name, all[i].fn);
	return 0;
}
