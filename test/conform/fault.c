/* fault.c - conformance: synchronous faults, their siginfo and context, and life after them. */
#include <fcntl.h>
#include <fenv.h>
#include <immintrin.h>
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "conform.h"

static void jump(void *p)
{
	((void (*)(void))p)();
}

static void seg_access(void)
{
	char *none = pages(4096, PROT_NONE), *ro = pages(4096, PROT_READ),
	     *gone = pages(8192, PROT_READ);
	char *wo = pages(4096, PROT_WRITE);

	munmap(gone + 4096, 4096);
	say_fault("load null", load, (void *)16, NULL);
	say_fault("store null", store, NULL, NULL);
	say_fault("load none", load, none + 100, none);
	say_fault("store none", store, none + 4095, none);
	say_fault("load read-only", load, ro, ro);
	say_fault("store read-only", store, ro + 8, ro);
	say_fault("store write-only", store, wo, wo);
	say_fault("load write-only", load, wo, wo);
	say_fault("load kept", load, gone + 4095, gone);
	say_fault("load unmapped", load, gone + 4096, gone);
	say_fault(
		"store text", store, (void *)(uintptr_t)seg_access, (void *)(uintptr_t)seg_access);
}

static void seg_noncanonical(void)
{
	say_fault("load", load, (void *)0x8000000000000000, NULL);
	say_fault("store", store, (void *)0x1234567812345678, NULL);
	say_fault("just above", load, (void *)0x0000800000000000, NULL);
	say_fault("last page", load, (void *)0x00007ffffffff000, (void *)0x00007ffffffff000);
}

static void seg_exec(void)
{
	char *p = pages(8192, PROT_READ | PROT_WRITE);
	static char data[16] = {(char)0xc3};
	char stack[16] = {(char)0xc3};

	p[0] = (char)0xc3;
	say_fault("jump to rw page", jump, p, p);
	say_fault("jump to data", jump, data, data);
	say_fault("jump to stack", jump, stack, stack);
	say_fault("jump to null", jump, NULL, NULL);
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	say_fault("jump to rx page", jump, p, p);
	say_fault("jump to its rw neighbour", jump, p + 4096, p);
	mprotect(p, 4096, PROT_READ | PROT_WRITE);
	say_fault("jump after mprotect", jump, p, p);
	munmap(p, 4096);
	say_fault("jump after munmap", jump, p, p);
	say_fault("jump far away", jump, (void *)0x0000700000001000, (void *)0x0000700000001000);
}

static void say_context(const char *what, void (*fn)(void *), char *p)
{
	struct fault f;

	must(fault_try(fn, p, &f));
	say("%s: trap %ld error 0x%lx cr2 %+ld rip is the address %d", what, f.trapno,
		(unsigned long)f.err, (long)(f.cr2 - (uintptr_t)p), f.rip == (uintptr_t)p);
}

static void seg_context(void)
{
	char *none = pages(4096, PROT_NONE), *ro = pages(4096, PROT_READ),
	     *gone = pages(4096, PROT_READ);

	load(ro);
	munmap(gone, 4096);
	say_context("load unmapped", load, gone);
	say_context("store unmapped", store, gone);
	say_context("jump unmapped", jump, gone);
	say_context("store read-only", store, ro);
	say_context("load none", load, none);
	say_context("jump no-execute", jump, ro);
}

static void bus_file_end(void)
{
	int fd = temp_file(4096 + 100);
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(p != MAP_FAILED);
	say_fault("inside", load, p + 4096 + 99, p);
	say_fault("rest of the page", load, p + 4096 + 200, p);
	say_fault("page after", load, p + 8192, p);
	say_fault("store after", store, p + 8192 + 5, p);
	must(!ftruncate(fd, 3 * 4096));
	say_fault("after growth", store, p + 8192 + 5, p);
	must(!ftruncate(fd, 0));
	say_fault("after truncation", load, p, p);
}

static void idiv(void *p)
{
	int *v = p, q, r;

	__asm__ volatile("idivl %4"
			 : "=a"(q), "=d"(r)
			 : "0"(v[0]), "1"(v[0] < 0 ? -1 : 0), "r"(v[1]));
}

static void x87_div(void *p)
{
	uint16_t cw = 0x37b; /* zero-divide unmasked */

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait; fninit" : : "m"(cw));
}

static void sse_div(void *exceptions)
{
	volatile double one = 1, zero = 0, huge = 1e308;

	_mm_setcsr(0x1f80 & ~(unsigned)(uintptr_t)exceptions);
	one = (uintptr_t)exceptions == _MM_MASK_OVERFLOW  ? huge * huge
	      : (uintptr_t)exceptions == _MM_MASK_INVALID ? zero / zero
							  : one / zero;
}

extern const char ud_insn[], bp_insn[];

static void ud(void *p)
{
	__asm__ volatile(".globl ud_insn\nud_insn: ud2");
}

static void bp(void *p)
{
	__asm__ volatile(".globl bp_insn\nbp_insn: int3");
}

static void misaligned(void *p)
{
	__asm__ volatile("movaps 1(%0), %%xmm0" : : "r"(p) : "xmm0");
}

static void bad_opcode(void *p)
{
	__asm__ volatile(".byte 0x06"); /* push es: not in long mode */
}

static void halt(void *p)
{
	__asm__ volatile("hlt");
}

static void say_trap(const char *what, void (*fn)(void *), void *arg)
{
	struct fault f;

	if (fault_try(fn, arg, &f))
		say("%s: %s %d at rip %d trap %ld", what, sigabbrev_np(f.sig), f.code,
			f.addr == f.rip, f.trapno);
	else
		say("%s: no fault", what); /* QEMU's TCG does so for the floating-point ones */
	__asm__ volatile("fninit");
	_mm_setcsr(0x1f80);
}

static void trap_arithmetic(void)
{
	say_trap("divide by zero", idiv, (int[2]){7, 0});
	say_trap("overflow", idiv, (int[2]){INT32_MIN, -1});
	say_trap("x87", x87_div, NULL);
	say_trap("sse divide", sse_div, (void *)_MM_MASK_DIV_ZERO);
	say_trap("sse overflow", sse_div, (void *)_MM_MASK_OVERFLOW);
	say_trap("sse invalid", sse_div, (void *)_MM_MASK_INVALID);
}

static void trap_opcode(void)
{
	struct fault f;
	char *p = pages(4096, PROT_READ | PROT_WRITE);

	must(fault_try(ud, NULL, &f));
	say("ud2: %s %d addr %+ld rip %+ld trap %ld", sigabbrev_np(f.sig), f.code,
		(long)(f.addr - (uintptr_t)ud_insn), (long)(f.rip - (uintptr_t)ud_insn), f.trapno);
	must(fault_try(bp, NULL, &f));
	say("int3: %s code %d rip %+ld trap %ld", sigabbrev_np(f.sig), f.code,
		(long)(f.rip - (uintptr_t)bp_insn), f.trapno);
	must(fault_try(bad_opcode, NULL, &f));
	say("bad opcode: %s %d", sigabbrev_np(f.sig), f.code);
	must(fault_try(misaligned, p, &f));
	say("movaps: %s code %d addr %ld trap %ld", sigabbrev_np(f.sig), f.code, (long)f.addr,
		f.trapno);
	must(fault_try(halt, NULL, &f));
	say("hlt: %s code %d addr %ld trap %ld", sigabbrev_np(f.sig), f.code, (long)f.addr,
		f.trapno);
}

static volatile long steps;
static uintptr_t step_at[64];
extern const char step_from[], step_end[];

static void step(int sig, siginfo_t *si, void *uc)
{
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;

	if (steps < 64)
		step_at[steps] = (uintptr_t)g[REG_RIP];
	if (steps++ == 0)
		say("code %d trap %lld TF %d", si->si_code, g[REG_TRAPNO],
			(int)(g[REG_EFL] >> 8 & 1));
}

static void trap_single_step(void)
{
	long a = 0;

	handle(SIGTRAP, step, 0);
	__asm__ volatile("	pushf; orl $0x100, (%%rsp); popf\n"
			 "	.globl step_from, step_end\n"
			 "step_from: nop; inc %0; nop; add $5, %0\n"
			 "	mov $39, %%eax; syscall; nop\n"
			 "	pushf; andl $~0x100, (%%rsp); popf\n"
			 "step_end: nop\n"
			 : "+&b"(a)
			 :
			 : "rax", "rcx", "r11", "memory", "cc");
	say("%ld steps, sum %ld", steps, a);
	for (int i = 0; i < steps && i < 64; i++)
		say("%+ld", (long)(step_at[i] - (uintptr_t)step_from));
}

static char *arena;
static volatile int served;

static void serve(int sig, siginfo_t *si, void *uc)
{
	char *page = (char *)((uintptr_t)si->si_addr & ~4095ul);

	must(!mprotect(page, 4096, PROT_READ | PROT_WRITE));
	served++;
}

static void seg_paging_in_user(void)
{
	long sum = 0;

	arena = pages(256 * 4096, PROT_NONE);
	handle(SIGSEGV, serve, 0);
	for (int i = 0; i < 256; i++)
		arena[i * 4096 + i] = (char)i;
	for (int i = 0; i < 256; i++)
		sum += arena[i * 4096 + i];
	say("%d faults served, sum %ld", served, sum);
}

static void serve_map(int sig, siginfo_t *si, void *uc)
{
	char *page = (char *)((uintptr_t)si->si_addr & ~4095ul);

	must(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == page);
	served++;
}

static void seg_map_in_handler(void)
{
	arena = pages(64 * 4096, PROT_READ);
	handle(SIGSEGV, serve_map, 0);
	munmap(arena, 64 * 4096);
	/* One instruction that faults once per page and must go on where it was. */
	void *to = arena;
	size_t n = 64 * 4096;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0x5a) : "memory");
	long wrong = 0;

	for (size_t i = 0; i < 64 * 4096; i++)
		wrong += arena[i] != 0x5a;
	say("%d faults served, %ld wrong, left %zu", served, wrong, n);
}

static void seg_in_syscall(void)
{
	char *p = pages(3 * 4096, PROT_READ | PROT_WRITE);
	int fd[2];

	char *volatile bad = NULL;

	must(!pipe2(fd, O_NONBLOCK));
	mprotect(p + 4096, 4096, PROT_NONE);
	memset(p, 'a', 4096);
	say("write none %s", result(write(fd[1], p + 4096, 10)));
	say("write null %s", result(write(fd[1], bad, 10)));
	say("write across %s", result(write(fd[1], p + 4096 - 10, 20)));
	say("read null %s", result(read(fd[0], bad, 5)));
	say("read left %s", result(read(fd[0], p, 4096)));
	say("pipe %s", result(syscall(SYS_pipe, p + 4096)));
	say("noncanonical %s", result(write(fd[1], (void *)0x8000000000000000, 10)));
	say("stat %s", result(syscall(SYS_stat, "/", (void *)8)));
	say("open %s", result(syscall(SYS_open, (void *)8, 0)));
}

static int __attribute__((noinline)) deep(int n)
{
	volatile char room[4000];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] : 0;
}

static void overflow_handler(int sig, siginfo_t *si, void *uc)
{
	greg_t sp = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RSP];
	long d = (long)((uintptr_t)si->si_addr - (uintptr_t)sp);

	say("%s code %d near rsp %d", sigabbrev_np(sig), si->si_code, d > -8192 && d < 8192);
	_exit(3);
}

static void overflow(void *unused)
{
	char *alt = block(65536);

	sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = 65536}, NULL);
	handle(SIGSEGV, overflow_handler, SA_ONSTACK);
	setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20});
	deep(1 << 20);
}

static void overflow_unhandled(void *unused)
{
	handle(SIGSEGV, overflow_handler, 0); /* no stack to run it on: killed */
	setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20});
	deep(1 << 20);
}

static void *overflow_thread(void *unused)
{
	char *alt = block(65536);

	sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = 65536}, NULL);
	handle(SIGSEGV, overflow_handler, SA_ONSTACK);
	deep(1 << 20);
	return NULL;
}

static void in_thread(void *unused)
{
	pthread_t t;
	pthread_attr_t a;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 256 << 10);
	pthread_create(&t, &a, overflow_thread, NULL);
	pthread_join(t, NULL);
}

static void seg_stack_overflow(void)
{
	say_wait("main", child_start(overflow, NULL));
	say_wait("main, no stack for the handler", child_start(overflow_unhandled, NULL));
	say_wait("thread", child_start(in_thread, NULL));
}

static void *crash_thread(void *p)
{
	store(p);
	return NULL;
}

static void thread_dies(void *unused)
{
	pthread_t t;

	pthread_create(&t, NULL, crash_thread, NULL);
	pthread_join(t, NULL);
	say("not reached");
}

static void seg_in_thread(void)
{
	say_wait("thread's segv", child_start(thread_dies, NULL));
}

static void seg_many(void)
{
	char *none = pages(4096, PROT_NONE);
	struct fault f;
	int n = 0;

	for (int i = 0; i < 500; i++)
		n += fault_try(i & 1 ? load : store, none + i, &f) &&
		     f.addr == (uintptr_t)none + (unsigned)i;
	say("%d of 500", n);
}

static void load8(void *p)
{
	__asm__ volatile("mov (%0), %%rax" : : "r"(p) : "rax", "memory");
}

static void store8(void *p)
{
	__asm__ volatile("movq $-1, (%0)" : : "r"(p) : "memory");
}

static void seg_across(void)
{
	char *p = pages(8192, PROT_READ | PROT_WRITE);

	mprotect(p + 4096, 4096, PROT_NONE);
	p[4094] = p[4095] = 7;
	say_fault("load the last", load, p + 4095, p);
	say_fault("load the first", load, p + 4096, p);
	/* An access that begins on the good page: the address is the first byte of the bad one. */
	say_fault("load across", load8, p + 4092, p);
	say_fault("store across", store8, p + 4095, p);
	say("good page untouched: %d", p[4095]);
}

/* Broken memory (root may pretend it): the signal says which address, and life goes on. */
static void bus_poison(void)
{
	char *p = pages(16384, PROT_READ | PROT_WRITE);

	memset(p, 1, 16384);
	say("poison %s", result(madvise(p + 4096, 4096, MADV_HWPOISON)));
	say_fault("load", load, p + 4100, p);
	say_fault("store", store, p + 4104, p);
	say_fault("beside", store, p + 8192, p);
	say("write %s", result(write(1, p + 4096, 1)));
	must(p == mmap(p, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0));
	say_fault("new page", store, p + 4096, p);
}

const struct conform_case fault_cases[] = {
	{"seg_access", seg_access},
	{"seg_noncanonical", seg_noncanonical},
	{"seg_exec", seg_exec},
	{"seg_context", seg_context},
	{"bus_file_end", bus_file_end},
	{"trap_arithmetic", trap_arithmetic},
	{"trap_opcode", trap_opcode},
	{"trap_single_step", trap_single_step},
	{"seg_paging_in_user", seg_paging_in_user},
	{"seg_map_in_handler", seg_map_in_handler},
	{"seg_in_syscall", seg_in_syscall},
	{"seg_stack_overflow", seg_stack_overflow},
	{"seg_in_thread", seg_in_thread},
	{"seg_many", seg_many},
	{"seg_across", seg_across},
	{"bus_poison", bus_poison},
	{NULL, NULL},
};
