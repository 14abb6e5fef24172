/* context.c - conformance: registers, red zone, FP and vector state, alternate stacks, edited
 * contexts. */
#include <fenv.h>
#include <immintrin.h>
#include <pthread.h>
#include <sys/time.h>
#include <ucontext.h>

#include "conform.h"

static volatile sig_atomic_t hits;
static volatile long enough; /* the assembly loops end when this is set */
static int wanted = 20;

/* Each tick dirties every register a handler may, so that what is not restored is seen. */
static void dirty(int sig, siginfo_t *si, void *uc)
{
	__asm__ volatile(
		"pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm7, %%xmm7; pcmpeqd %%xmm15, %%xmm15\n"
		"fninit; fldpi; fldpi; fldpi"
		:
		:
		: "xmm0", "xmm7", "xmm15", "memory");
	if (__builtin_cpu_supports("avx2"))
		__asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0; vpcmpeqd %%ymm9, %%ymm9, %%ymm9"
				 :
				 :
				 : "xmm0", "xmm9");
	_mm_setcsr(0x1f80 | _MM_ROUND_DOWN);
	if (++hits >= wanted)
		enough = 1;
}

static void tick(int on)
{
	long us = on ? 3000 : 0;

	enough = 0;
	hits = 0;
	handle(SIGALRM, dirty, SA_RESTART);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, us}, {0, us}}, NULL);
}

static void ctx_red_zone(void)
{
	long wrong;

	tick(1);
	/* Sixteen words below rsp hold a pattern while signals arrive. rsp itself is not touched.
	 */
	__asm__ volatile("	mov $-128, %%rcx\n"
			 "1:	mov %%rcx, (%%rsp, %%rcx)\n"
			 "	add $8, %%rcx; jnz 1b\n"
			 "2:	cmpq $0, %1; je 2b\n"
			 "	xor %0, %0\n"
			 "	mov $-128, %%rcx\n"
			 "3:	cmp %%rcx, (%%rsp, %%rcx); je 4f\n"
			 "	inc %0\n"
			 "4:	add $8, %%rcx; jnz 3b\n"
			 : "=&r"(wrong)
			 : "m"(enough)
			 : "rcx", "memory", "cc");
	tick(0);
	say("%ld words changed", wrong);
}

static void ctx_registers(void)
{
	long wrong = (long)&enough; /* in rdi: first the address, then the verdict */

	tick(1);
	__asm__ volatile(
		"	push %%rbp\n"
		"	mov $1, %%eax; mov $2, %%ebx; mov $3, %%ecx; mov $4, %%edx\n"
		"	mov $5, %%esi; mov $6, %%ebp; mov $8, %%r8d; mov $9, %%r9d\n"
		"	mov $10, %%r10d; mov $11, %%r11d; mov $12, %%r12d; mov $13, %%r13d\n"
		"	mov $14, %%r14d; mov $15, %%r15d\n"
		"	std; stc\n"
		"1:	jnc 9f\n"
		"	pushf; cmpq $0, (%0); jne 2f; popf; jmp 1b\n"
		"2:	popf; jnc 9f\n"
		"	pushf; cld; pop %0; bt $10, %0; mov $1, %0; jnc 8f\n"
		"	mov $2, %0\n"
		"	cmp $1, %%rax; jne 8f; cmp $2, %%rbx; jne 8f; cmp $3, %%rcx; jne 8f\n"
		"	cmp $4, %%rdx; jne 8f; cmp $5, %%rsi; jne 8f; cmp $6, %%rbp; jne 8f\n"
		"	cmp $8, %%r8; jne 8f; cmp $9, %%r9; jne 8f; cmp $10, %%r10; jne 8f\n"
		"	cmp $11, %%r11; jne 8f; cmp $12, %%r12; jne 8f; cmp $13, %%r13; jne 8f\n"
		"	cmp $14, %%r14; jne 8f; cmp $15, %%r15; jne 8f\n"
		"	mov $0, %0; jmp 8f\n"
		"9:	cld; mov $3, %0\n"
		"8:	pop %%rbp\n"
		: "+D"(wrong)
		:
		: "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		"r15", "memory", "cc");
	tick(0);
	say("wrong: %ld", wrong);
}

static void ctx_x87_sse(void)
{
	double top = 0, next = 0;
	uint16_t fcw = 0xf7f; /* round to zero, extended precision */
	uint32_t mxcsr = 0x1f80 | _MM_ROUND_UP, got;
	uint64_t x[4] = {0x1111222233334444, 0x5555666677778888, 1, 2}, y[4];

	tick(1);
	__asm__ volatile("	fninit; fldcw %5; fldpi; fld1; ldmxcsr %6\n"
			 "	movdqu (%7), %%xmm0; movdqu 16(%7), %%xmm15\n"
			 "1:	cmpq $0, %4; je 1b\n"
			 "	fstpl %0; fstpl %1; fnstcw %5; stmxcsr %2; movdqu %%xmm0, (%8); "
			 "movdqu %%xmm15, 16(%8)\n"
			 "	fninit"
			 : "+m"(top), "+m"(next), "=m"(got)
			 : "m"(top), "m"(enough), "m"(fcw), "m"(mxcsr), "r"(x), "r"(y)
			 : "xmm0", "xmm15", "memory");
	tick(0);
	_mm_setcsr(0x1f80);
	say("x87 %.4f %.4f fcw 0x%x mxcsr 0x%x xmm %d", top, next, fcw, got & 0xffc0,
		!memcmp(x, y, 32));
}

static void ctx_ymm(void)
{
	uint64_t x[64], y[64] = {0};

	if (!__builtin_cpu_supports("avx2")) {
		say("no AVX2");
		return;
	}
	for (int i = 0; i < 64; i++)
		x[i] = 0x0101010101010101ul * (unsigned)(i + 1);
	tick(1);
	__asm__ volatile("vmovdqu (%1), %%ymm0; vmovdqu 32(%1), %%ymm3; vmovdqu 64(%1), %%ymm9; "
			 "vmovdqu 96(%1), %%ymm15\n"
			 "1: cmpq $0, %0; je 1b\n"
			 "vmovdqu %%ymm0, (%2); vmovdqu %%ymm3, 32(%2); vmovdqu %%ymm9, 64(%2); "
			 "vmovdqu %%ymm15, 96(%2)"
			 :
			 : "m"(enough), "r"(x), "r"(y)
			 : "xmm0", "xmm3", "xmm9", "xmm15", "memory");
	tick(0);
	say("ymm kept %d", !memcmp(x, y, 128));
}

__attribute__((target("avx512f"))) static void zmm_try(const uint64_t *x, uint64_t *y)
{
	tick(1);
	__asm__ volatile("vmovdqu64 (%1), %%zmm0; vmovdqu64 64(%1), %%zmm17; vmovdqu64 128(%1), "
			 "%%zmm31; kmovw %k3, %%k5\n"
			 "1: cmpq $0, %0; je 1b\n"
			 "vmovdqu64 %%zmm0, (%2); vmovdqu64 %%zmm17, 64(%2); vmovdqu64 %%zmm31, "
			 "128(%2); kmovw %%k5, %%eax; mov %%rax, 192(%2)"
			 :
			 : "m"(enough), "r"(x), "r"(y), "r"(0x5a5a)
			 : "xmm0", "rax", "memory");
	tick(0);
}

static void ctx_zmm(void)
{
	uint64_t x[64], y[64] = {0};

	if (!__builtin_cpu_supports("avx512f")) {
		say("no AVX-512");
		return;
	}
	for (int i = 0; i < 64; i++)
		x[i] = 0x0101010101010101ul * (unsigned)(i + 1);
	zmm_try(x, y);
	say("zmm kept %d k5 0x%lx", !memcmp(x, y, 192), (unsigned long)(y[24] & 0xffff));
}

/* A handler begins with the default control words and a clear direction flag whatever was
 * interrupted. */
static void handler_state(int sig, siginfo_t *si, void *uc)
{
	uint16_t fcw;
	unsigned long flags;

	__asm__ volatile("fnstcw %0; pushf; pop %1" : "=m"(fcw), "=r"(flags));
	say("in handler: mxcsr 0x%x fcw 0x%x DF %d aligned %d", _mm_getcsr(), fcw,
		(int)(flags >> 10 & 1), (uintptr_t)__builtin_frame_address(0) % 16 == 0);
}

static void ctx_handler_state(void)
{
	uint16_t fcw = 0xc7f;
	long pid = getpid(), rc;

	handle(SIGUSR1, handler_state, 0);
	_mm_setcsr(0x1f80 | _MM_ROUND_UP | _MM_FLUSH_ZERO_ON);
	__asm__ volatile("fldcw %0" : : "m"(fcw));
	__asm__ volatile("std; syscall; cld"
			 : "=a"(rc)
			 : "0"(SYS_kill), "D"(pid), "S"(SIGUSR1)
			 : "rcx", "r11", "memory");
	__asm__ volatile("fnstcw %0" : "=m"(fcw));
	say("after: %ld mxcsr 0x%x fcw 0x%x", rc, _mm_getcsr(), fcw);
}

extern const char skip_from[], skip_to[];

static void skip(int sig, siginfo_t *si, void *uc)
{
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;

	say("rip at ud2 %d, rbx %lld", g[REG_RIP] == (greg_t)skip_from, g[REG_RBX]);
	g[REG_RIP] = (greg_t)skip_to;
	g[REG_RAX] = 0x1234;
	g[REG_R15] = 0x5678;
	g[REG_EFL] |= 1;
}

static void ctx_edit(void)
{
	long a, r15, carry = 0;

	handle(SIGILL, skip, 0);
	__asm__ volatile("	mov $77, %%ebx; xor %%eax, %%eax; clc\n"
			 "	.globl skip_from, skip_to\n"
			 "skip_from: ud2; mov $1, %%eax\n"
			 "skip_to: setc %b2; mov %%r15, %1"
			 : "=&a"(a), "=&r"(r15), "+&r"(carry)
			 :
			 : "rbx", "r15", "cc");
	say("rax 0x%lx r15 0x%lx carry %ld", a, r15, carry);
}

static void fp_edit(int sig, siginfo_t *si, void *uc)
{
	fpregset_t fp = ((ucontext_t *)uc)->uc_mcontext.fpregs;

	say("xmm3 0x%x mxcsr 0x%x cwd 0x%x", fp->_xmm[3].element[0], fp->mxcsr & 0xffc0, fp->cwd);
	fp->_xmm[3].element[0] = 0xabcd;
	fp->mxcsr = 0x1f80 | _MM_ROUND_DOWN;
	fp->cwd = 0x77f;
}

static void ctx_fp_edit(void)
{
	long out, rc;
	uint16_t fcw;

	handle(SIGUSR1, fp_edit, 0);
	__asm__ volatile(
		"mov $0x4242, %%edx; movq %%rdx, %%xmm3; syscall; movq %%xmm3, %1; fnstcw %2"
		: "=a"(rc), "=&r"(out), "=m"(fcw)
		: "0"(SYS_kill), "D"((long)getpid()), "S"(SIGUSR1)
		: "rcx", "r11", "rdx", "xmm3", "memory");
	say("xmm3 0x%lx mxcsr 0x%x fcw 0x%x", out, _mm_getcsr() & 0xffc0, fcw);
}

enum { ALT = 65536 };

static char *alt; /* a block, as in most programs */

static int on_alt(void)
{
	char here;

	return &here >= alt && &here < alt + ALT;
}

static void altstack_deeper(int sig, siginfo_t *si, void *uc)
{
	stack_t ss;

	sigaltstack(NULL, &ss);
	say("%s on alt %d, flags %d", sigabbrev_np(sig), on_alt(), ss.ss_flags);
	if (sig == SIGUSR1) {
		say("change while on it: %s",
			result(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL)));
		raise(SIGUSR2);
		raise(SIGHUP);
	}
}

static void ctx_altstack(void)
{
	stack_t ss = {.ss_sp = alt = block(ALT), .ss_size = ALT}, old;

	must(!sigaltstack(&ss, &old));
	say("was disabled %d", old.ss_flags == SS_DISABLE);
	handle(SIGUSR1, altstack_deeper, SA_ONSTACK);
	handle(SIGUSR2, altstack_deeper, SA_ONSTACK);
	handle(SIGHUP, altstack_deeper, 0);
	raise(SIGUSR1);
	raise(SIGHUP);
	sigaltstack(NULL, &old);
	say("size %zu same %d flags %d", old.ss_size, old.ss_sp == alt, old.ss_flags);
	say("too small: %s", result(sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = 100}, NULL)));
	ss.ss_flags = (int)0x80000000; /* SS_AUTODISARM */
	must(!sigaltstack(&ss, NULL));
	raise(SIGUSR2);
	sigaltstack(NULL, &old);
	say("after autodisarm: 0x%x", old.ss_flags);
}

static void *altstack_thread(void *own)
{
	stack_t none, ss = {.ss_sp = alt = block(ALT), .ss_size = ALT};

	sigaltstack(NULL, &none);
	say("new thread: disabled %d", none.ss_flags == SS_DISABLE);
	must(!sigaltstack(&ss, NULL));
	raise(SIGUSR2);
	return NULL;
}

static void ctx_altstack_thread(void)
{
	static char mine[65536];
	pthread_t t;

	must(!sigaltstack(&(stack_t){.ss_sp = mine, .ss_size = sizeof(mine)}, NULL));
	handle(SIGUSR2, altstack_deeper, SA_ONSTACK);
	pthread_create(&t, NULL, altstack_thread, NULL);
	pthread_join(t, NULL);
	raise(SIGUSR2);
	stack_t ss;

	sigaltstack(NULL, &ss);
	say("main's own %d", ss.ss_sp == mine);
	if (fork() == 0) {
		sigaltstack(NULL, &ss);
		say("child's own %d", ss.ss_sp == mine);
		_exit(0);
	}
	wait(NULL);
}

static sigjmp_buf env;

static void alt_leap(int sig, siginfo_t *si, void *uc)
{
	siglongjmp(env, 1);
}

static void ctx_altstack_leap(void)
{
	must(!sigaltstack(&(stack_t){.ss_sp = alt = block(ALT), .ss_size = ALT}, NULL));
	handle(SIGSEGV, alt_leap, SA_ONSTACK);
	volatile int n = 0;

	sigsetjmp(env, 1);
	if (n++ < 50)
		*(volatile int *)4 = 1;
	stack_t ss;

	sigaltstack(NULL, &ss);
	say("left by longjmp %d times, flags %d", n - 1, ss.ss_flags);
}

static ucontext_t main_ctx, other_ctx;

static void other(int a, int b)
{
	say("other %d %d", a, b);
	swapcontext(&other_ctx, &main_ctx);
	say("other again");
}

static void ctx_swap(void)
{
	getcontext(&other_ctx);
	other_ctx.uc_stack.ss_sp = alt = block(ALT);
	other_ctx.uc_stack.ss_size = ALT;
	other_ctx.uc_link = &main_ctx;
	makecontext(&other_ctx, (void (*)(void))other, 2, 4, 5);
	swapcontext(&main_ctx, &other_ctx);
	say("main");
	swapcontext(&main_ctx, &other_ctx);
	say("main end");
}

const struct conform_case context_cases[] = {
	{"ctx_red_zone", ctx_red_zone},
	{"ctx_registers", ctx_registers},
	{"ctx_x87_sse", ctx_x87_sse},
	{"ctx_ymm", ctx_ymm},
	{"ctx_zmm", ctx_zmm},
	{"ctx_handler_state", ctx_handler_state},
	{"ctx_edit", ctx_edit},
	{"ctx_fp_edit", ctx_fp_edit},
	{"ctx_altstack", ctx_altstack},
	{"ctx_altstack_thread", ctx_altstack_thread},
	{"ctx_altstack_leap", ctx_altstack_leap},
	{"ctx_swap", ctx_swap},
	{NULL, NULL},
};
