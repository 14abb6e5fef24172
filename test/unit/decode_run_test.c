// sources: src/trace/decode.c
/*
 * Random instructions, single-stepped: the registers point to where nothing is, so that the first access
 * faults, and the processor says where, and whether it was a write. What the decoder says must agree.
 *
 * Left out is what would change the process itself: system calls, segment registers, fs base. What
 * does not fault (no access, an instruction this processor has not got) says nothing.
 */
#include "unit.h"
#include "trace/decode.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define RUNS  50000U /* that faulted with an address */
#define TRIES 3000000U
#define FETCH 16U
#define WRITE 2U

void run_insn(void);
extern const char run_begin[], run_over[];
static uint64_t run_regs[16];
static const uint8_t *run_at;

/* The handler puts the test's registers in at run_begin, and whatever happens ends at run_over. */
__asm__(".pushsection .text\n"
	".globl run_insn, run_begin, run_over\n"
	"run_insn:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	"
	"push %r15\n"
	"run_begin:\n"
	"	ud2\n"
	"run_over:\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	"
	"pop %rbx\n"
	"	ret\n"
	".popsection\n");

static const uint8_t greg_of[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct {
	int sig, code;
	uint64_t addr, err, ip;
} met;

static void on_signal(int sig, siginfo_t *si, void *ucontext)
{
	static greg_t sp;
	greg_t *g = ((ucontext_t *)ucontext)->uc_mcontext.gregs;

	if (g[REG_RIP] == (greg_t)run_begin) {
		sp = g[REG_RSP];
		for (size_t i = 0; i < 16; i++)
			g[greg_of[i]] = (greg_t)run_regs[i];
		g[REG_RIP] = (greg_t)run_at;
		g[REG_EFL] = 0x302; /* it stops after one instruction */
		return;
	}
	met.sig = sig;
	met.code = si->si_code;
	met.addr = (uint64_t)si->si_addr;
	met.err = (uint64_t)g[REG_ERR];
	met.ip = (uint64_t)g[REG_RIP];
	g[REG_RIP] = (greg_t)run_over;
	g[REG_RSP] = sp;
	g[REG_EFL] = 0x202;
}

static uint64_t seed = 88172645463325252UL;

static uint64_t rnd(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

#define PAGE 4096UL
static uint8_t *page;

static void make(uint8_t *p)
{
	static const uint8_t prefix[] = {
		0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0};
	uint8_t *at = p;

	while (rnd(3) == 0 && at < p + 3)
		*at++ = prefix[rnd(sizeof(prefix))];
	if (rnd(2))
		*at++ = (uint8_t)(0x40 + rnd(16));
	switch (rnd(8)) {
	case 0:
		*at++ = 0x0f;
		*at++ = rnd(2) ? 0x38 : 0x3a;
		break;
	case 1:
	case 2:
		*at++ = 0x0f;
		break;
	case 3: /* VEX has no REX before it; this one may have, and is refused */
		at = p;
		*at++ = 0xc4;
		*at++ = (uint8_t)(rnd(8) << 5 | (1 + rnd(3)));
		break;
	case 4:
		at = p;
		*at++ = 0x62;
		*at++ = (uint8_t)(rnd(16) << 4 | (1 + rnd(3)));
		*at++ = (uint8_t)(rnd(256) | 4);
		break;
	}
	for (size_t i = 0; i < 12; i++)
		*at++ = (uint8_t)rnd(256);
}

/* What must not run: it would change the process, or enter the kernel. */
static bool is_left_out(const uint8_t *p)
{
	for (; *p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3 || *p == 0xf0 || *p == 0x26 ||
		*p == 0x2e || *p == 0x36 || *p == 0x3e || *p == 0x64 || *p == 0x65 ||
		(*p & 0xf0) == 0x40;
		p++)
		;
	if (*p == 0xcd || *p == 0x8e || *p == 0xc8)
		return true;
	return *p == 0x0f &&
	       (p[1] == 0x05 || p[1] == 0x34 || p[1] == 0xae || p[1] == 0x01 || p[1] == 0xc7);
}

struct prefixes {
	bool narrow;
	uint64_t base;
};

static struct prefixes prefixes(const uint8_t *p, uint64_t fs)
{
	struct prefixes x = {0};

	for (; *p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3 || *p == 0xf0 || *p == 0x26 ||
		*p == 0x2e || *p == 0x36 || *p == 0x3e || *p == 0x64 || *p == 0x65;
		p++) {
		x.narrow |= *p == 0x67;
		if (*p == 0x64)
			x.base = fs;
		else if (*p == 0x65)
			x.base = 0;
	}
	return x;
}

static void say(const char *what, const struct decode_pointers *p)
{
	printf("# %s:", what);
	for (size_t i = 0; i < 15; i++)
		printf(" %02x", run_at[i]);
	printf(": at %lx, error %lx; registers %u %u scale %u disp %d store %d %d\n", met.addr,
		met.err, p->reg[0], p->reg[1], p->scale, p->disp, p->store[0], p->store[1]);
}

static uint64_t value(unsigned reg, bool narrow)
{
	uint64_t v = reg < 16 ? run_regs[reg] : 0;

	return narrow ? (uint32_t)v : v;
}

/*
 * The operand is not all: a register says how far off a bit is, a vector each element; pop reads the stack first.
 */
static bool is_elsewhere(const uint8_t *p)
{
	if (*p == 0xc4 || *p == 0x62) {
		p += *p == 0xc4 ? 3 : 4;
		return (*p & 0xfc) == 0x90 || (*p & 0xfc) == 0xa0;
	}
	while (*p != 0x0f && *p != 0x8f && p < run_at + 4)
		p++;
	return *p == 0x8f || (*p == 0x0f && (p[1] & 0xe7) == 0xa3);
}

/* Is that what was accessed through the registers that the decoder named? */
static bool agrees(const struct decode_pointers *p, const struct prefixes *x)
{
	uint64_t sum = value(p->reg[0], 0) + (value(p->reg[1], 0) << p->scale) + (uint64_t)p->disp;
	uint64_t one = value(p->reg[0], x->narrow) + x->base,
		 two = value(p->reg[1], x->narrow) + x->base;
	/* There a byte counts in vectors; and what a mask leaves out is not accessed. */
	int64_t slack = run_at[0] == 0x62 ? 128L * 64 : run_at[0] == 0xc4 ? 64 : 0;
	int64_t off;

	if (p->target == TARGET_REGISTER)
		return met.addr == run_regs[p->reg[0]];
	if (x->narrow)
		sum = (uint32_t)sum;
	off = (int64_t)(met.addr - sum - x->base);
	if (off >= -slack && off <= slack)
		return true;
	/*
	 * The stack below its pointer (of 64 bits always), strings' other end, neither with an fs; a table's entry.
	 */
	for (int k = 0; k < 2; k++) {
		if (met.addr - one + 64 <= 128 + 256 || met.addr - two + 64 <= 128)
			return true;
		one = value(p->reg[0], x->narrow && run_at[0] == 0);
		two -= x->base;
	}
	one = value(p->reg[0], x->narrow);
	return met.addr - one <= 256;
}

static unsigned compared, wrong;

static void compare(const struct prefixes *x)
{
	struct decode_pointers p;
	bool is = decode_pointers(run_at, 15, &p);
	bool write = met.err & WRITE, fetch = met.err & FETCH;

	/* Where it goes on after a call or jump of its own is no operand. */
	if (met.sig != SIGSEGV || met.code == SI_KERNEL ||
		(fetch && !(is && p.target == TARGET_REGISTER)))
		return;
	if (met.ip != (uint64_t)run_at && !fetch)
		return;
	if (!is || (p.target == TARGET_REGISTER && !fetch)) /* a call pushes first */
		return;
	if (is_elsewhere(run_at))
		return;
	compared++;
	if (!agrees(&p, x)) {
		wrong++;
		say("not there", &p);
	} else if (!fetch && write != (p.reg[0] < 16 ? p.store[0] : p.store[1]) &&
		   write != p.store[1]) {
		wrong++;
		say(write ? "a write" : "a read", &p);
	}
}

static void as_the_processor_does(void)
{
	static char stack[64 << 10];
	const stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
	struct sigaction sa = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	uint64_t fs = 0;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
	sigaltstack(&ss, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	CHECK(page != MAP_FAILED);
	memset(page, 0xcc, 2 * PAGE);
	for (unsigned i = 0; i < TRIES && compared < RUNS && wrong < 20; i++) {
		uint8_t *at = page + 1024 + rnd(64);
		struct prefixes x;

		make(at);
		if (is_left_out(at))
			continue;
		for (unsigned r = 0; r < 16; r++)
			run_regs[r] = (1UL << 40) + r * (1UL << 34) + rnd(1UL << 26) * 64;
		run_at = at;
		met.sig = 0;
		run_insn();
		x = prefixes(at, fs);
		compare(&x);
		memset(page + 1024, 0xcc, 128);
	}
	printf("# %u compared\n", compared);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(compared, RUNS);
}

int main(void)
{
	RUN(as_the_processor_does);
	return UNIT_END();
}
