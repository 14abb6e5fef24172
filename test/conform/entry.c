/*
 * entry.c - conformance: registers that a processor refuses to enter a guest with, or that a guest
 * is not to get: addresses that are none, flags that no program may set. What the kernel makes of
 * them natively is what must show.
 */
#include <asm/prctl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "conform.h"

#define WILD 0x8123456789abcdefUL

static volatile int turns;

static void no_core(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static void jump(void *p)
{
	((void (*)(void))p)();
}

static void jump_tail(void *p)
{
	__asm__ volatile("call 1f; jmp 2f; 1: mov %0, (%%rsp); ret; 2:" : : "r"(p) : "memory");
}

static void entry_wild_jump(void)
{
	struct fault f;

	for (int i = 0; i < 2; i++) {
		if (!fault_try(i ? jump_tail : jump, (void *)WILD, &f))
			die("no fault");
		say("%s: %s code %d addr 0x%lx, at the target %d", i ? "ret" : "call",
			sigabbrev_np(f.sig), f.code, (unsigned long)f.addr, f.rip == WILD);
	}
}

static void wild_child(void *arg)
{
	no_core();
	handle(SIGUSR1, (void (*)(int, siginfo_t *, void *))WILD, 0);
	raise(SIGUSR1);
	say("went on");
}

static void caught(int sig, siginfo_t *si, void *uc)
{
	const greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;

	say("then %s code %d addr 0x%lx trap %ld, rip is wild %d", sigabbrev_np(sig), si->si_code,
		(unsigned long)si->si_addr, (long)g[REG_TRAPNO], (unsigned long)g[REG_RIP] == WILD);
	_exit(4);
}

static void wild_child_caught(void *arg)
{
	handle(SIGSEGV, caught, SA_ONSTACK);
	wild_child(arg);
}

static void entry_wild_handler(void)
{
	say_wait("wild handler", child_start(wild_child, NULL));
	say_wait("and a good one", child_start(wild_child_caught, NULL));
}

static void to_wild(int sig, siginfo_t *si, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] = (greg_t)WILD;
}

static void to_wild_stack(int sig, siginfo_t *si, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RSP] = (greg_t)WILD;
}

static void edit_child(void *arg)
{
	stack_t ss = {.ss_sp = pages(65536, PROT_READ | PROT_WRITE), .ss_size = 65536};

	no_core();
	must(!sigaltstack(&ss, NULL));
	handle(SIGSEGV, caught, SA_ONSTACK);
	handle(SIGBUS, caught, SA_ONSTACK);
	handle(SIGUSR1, (void (*)(int, siginfo_t *, void *))arg, 0);
	raise(SIGUSR1);
	say("went on");
}

static void entry_wild_return(void)
{
	say_wait("return to nowhere", child_start(edit_child, to_wild));
	say_wait("return with no stack", child_start(edit_child, to_wild_stack));
}

/* A system call, and a signal on the good stack, with a wild stack pointer. */
static void entry_wild_stack(void)
{
	stack_t ss = {.ss_sp = pages(65536, PROT_READ | PROT_WRITE), .ss_size = 65536};
	long ret = SYS_getppid;

	must(!sigaltstack(&ss, NULL));
	__asm__ volatile("mov %%rsp, %%r12; mov %1, %%rsp; syscall; mov %%r12, %%rsp"
			 : "+a"(ret)
			 : "r"(WILD)
			 : "rcx", "r11", "r12", "memory");
	say("called %d", ret == getppid());
}

static void set_flags(int sig, siginfo_t *si, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL] = turns ? 0x40 : 0x1bf0c5 | 0xf0000;
}

/* VM, IOPL, NT, VIF, VIP and IF are not a program's to set or clear by a signal frame. */
static void entry_flags(void)
{
	unsigned long fl;

	handle(SIGUSR1, set_flags, 0);
	for (turns = 0; turns < 2; turns++) {
		raise(SIGUSR1);
		__asm__ volatile("pushf; pop %0; push %0; andq $~0x40000, (%%rsp); popf"
				 : "=r"(fl)
				 :
				 : "memory");
		/* Without those that the code between the return and here has changed. */
		say("flags 0x%lx", fl & 0x3f7700);
	}
}

static int unreached(void *arg)
{
	_exit(9);
}

static void entry_wild_tls(void)
{
	char *stack = pages(65536, PROT_READ | PROT_WRITE);
	int rc, status;

	rc = clone(unreached, stack + 65536, CLONE_VM | CLONE_SETTLS | SIGCHLD, NULL, NULL, WILD);
	say("sharing memory %s", result(rc));
	rc = clone(unreached, stack + 65536, CLONE_SETTLS | SIGCHLD, NULL, NULL, WILD);
	say("a copy %s", result(rc));
	if (rc > 0 && waitpid(rc, &status, 0) == rc)
		say_status("child", status);
	rc = clone(
		unreached, stack + 65536, CLONE_SETTLS | SIGCHLD, NULL, NULL, 0xffff888000000000);
	say("the kernel's half %s", result(rc));
	if (rc > 0 && waitpid(rc, &status, 0) == rc)
		say_status("child", status);
}

static void base_write(void *p)
{
	__asm__ volatile("wrgsbase %0" : : "r"(p));
}

static void entry_wild_base(void)
{
	unsigned long base = 0;

	say("gs %s", result(syscall(SYS_arch_prctl, ARCH_SET_GS, WILD)));
	say("fs %s", result(syscall(SYS_arch_prctl, ARCH_SET_FS, WILD)));
	if (!(getauxval(AT_HWCAP2) & 2)) {
		say("no FSGSBASE");
		return;
	}
	say_fault("wrgsbase", base_write, (void *)WILD, NULL);
	/* Any canonical one may be written, the kernel's half too. */
	base_write((void *)0xffff888000000000);
	say("pid %d", getpid() == (int)syscall(SYS_getpid));
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	say("base 0x%lx", base);
	say_wait("a child", child_start(base_write, NULL));
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	say("base 0x%lx", base);
}

const struct conform_case entry_cases[] = {
	{"entry_wild_jump", entry_wild_jump},
	{"entry_wild_handler", entry_wild_handler},
	{"entry_wild_return", entry_wild_return},
	{"entry_wild_stack", entry_wild_stack},
	{"entry_flags", entry_flags},
	{"entry_wild_tls", entry_wild_tls},
	{"entry_wild_base", entry_wild_base},
	{NULL, NULL},
};
