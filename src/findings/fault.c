/*
 * fault.c - the real handler of SIGSEGV and SIGBUS (fault.h). app context, in a signal handler,
 * perhaps on the program's small alternate stack: shallow frames, no libc that could lock.
 *
 * Order matters: what a fork's child has not got back yet first, then what our own code may fault at
 * (extable.h), our own printing, a finding, the program. After a finding the signal takes the course that
 * it would have taken for any other bad access: the program's handler, or the default action by
 * running the instruction again.
 */
#include "fault.h"
#include "base/base.h"
#include "trace/trace.h"
#include "efault.h"
#include "judge.h"
#include "near.h"
#include "print.h"
#include "signals.h"
#include "suppressed.h"
#include "survive.h"

#include <errno.h>
#include <sys/ucontext.h>

#define TRAP_STACK	12 /* by rsp or rbp; others are general protection */
#define TRAP_PROTECTION 13
#define TRAP_PAGE_FAULT 14
#define ERROR_WRITE	2
#define ERROR_FETCH	16

/*
 * A handler that returns from a finding sees it again, as it would see any fault again: the kernel
 * would go on for ever, but the program did not ask for that, for without us there was no fault.
 */
#define RETRIES 10000

#define RUN_PAST 64U /* bytes behind a live block's end that are likely its own overrun */

static __thread struct {
	uintptr_t ip, sp;
	vaddr_t addr;
	unsigned times;
} last; /* finding of this thread */

static size_t read_insn(uintptr_t ip, uint8_t *dst, size_t n)
{
	size_t here = MIN(n, PAGE_SIZE - (ip & ~PAGE_MASK));

	if (!stack_probe(ip))
		return 0;
	if (here < n && !stack_probe(ip + here))
		n = here;
	__builtin_memcpy(dst, (const void *)ip, n);
	return n;
}

/*
 * A loop that runs on behind its block stops at the first page that is dead; what it meets there
 * is not inside another block, or is its very first bytes.
 */
static bool may_have_run_past(const struct report *r, const struct block *live)
{
	size_t past = near_past(live, r->addr);

	if (r->addr - r->block.base < r->block.size && r->addr & (PAGE_SIZE - 1))
		return past < RUN_PAST;
	return past < PAGE_SIZE;
}

/* Pages of a live block that fault are the program's own affair. */
static bool is_on_pages_of(const struct block *b, vaddr_t addr)
{
	vaddr_t end = b->base + MAX(b->size, 1UL);

	return addr >= (b->base & PAGE_MASK) && addr < ALIGN_UP(end, PAGE_SIZE);
}

static bool find_block(struct report *r)
{
	struct block live;

	block_find(r->addr, &r->block);
	switch (r->block.state) {
	case BLOCK_DEAD:
		if (near_before(r->addr, PAGE_SIZE, &live) && may_have_run_past(r, &live))
			r->before = live;
		return true;
	case BLOCK_LIVE:
		if (is_on_pages_of(&r->block, r->addr))
			return false;
		break;
	case BLOCK_NEVER:
		if (near_find(r->addr, &live))
			r->block = live;
		break;
	case BLOCK_NONE:
		return false;
	}
	r->kind = FINDING_OUT_OF_BOUNDS;
	return true;
}

/* As instructions count them. */
static const uint8_t greg_of[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static uint64_t reg_value(const greg_t *g, unsigned reg)
{
	return reg < ARRAY_LEN(greg_of) ? (uint64_t)g[greg_of[reg]] : 0;
}

/* A pointer that stands in a freed block: which register has it, or did the code go there? */
static bool find_loaded(const greg_t *g, struct report *r)
{
	struct decode_pointers p;
	uint8_t insn[15];
	size_t n;

	r->access = ACCESS_EXEC;
	r->addr = r->use.ip;
	if (report_loaded(&r->addr))
		return true;
	n = read_insn(r->use.ip, insn, sizeof(insn));
	if (!decode_pointers(insn, n, &p))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(p.reg); i++) {
		r->addr = reg_value(g, p.reg[i]);
		if (!report_loaded(&r->addr))
			continue;
		if (p.target == TARGET_REGISTER)
			return true;
		r->access = p.store[i] ? ACCESS_WRITE : ACCESS_READ;
		r->size = decode_access_size(insn, n);
		return true;
	}
	if (p.target != TARGET_MEMORY)
		return false;
	r->addr = reg_value(g, p.reg[0]) + (reg_value(g, p.reg[1]) << p.scale) + (uint64_t)p.disp;
	if (!stack_probe(r->addr) || r->addr & 7)
		return false;
	r->addr = *(const uint64_t *)vaddr_ptr(r->addr);
	return report_loaded(&r->addr);
}

/* What processors refuse to take for an address. */
static bool is_no_address(const greg_t *g)
{
	return g[REG_TRAPNO] == TRAP_PROTECTION || g[REG_TRAPNO] == TRAP_STACK;
}

/*
 * Is this fault a finding? Fills *r and returns true if so. Pure but for block_find: fault
 * address, page-fault error code bits (W, I/D), instruction bytes at ip for the access size.
 */
static bool classify(const siginfo_t *si, const void *ucontext, struct report *r)
{
	const ucontext_t *uc = ucontext;
	const greg_t *g = uc->uc_mcontext.gregs;
	uint8_t insn[15];

	if (!signal_is_fault(si, ucontext))
		return false;
	*r = (struct report){
		.kind = FINDING_USE_AFTER_FREE,
		.addr = vaddr_of(si->si_addr),
		.use = {(uintptr_t)g[REG_RIP], (uintptr_t)g[REG_RSP], (uintptr_t)g[REG_RBP]},
	};
	if (si->si_code == SI_KERNEL) {
		r->loaded = mode.poison && is_no_address(g) && find_loaded(g, r);
		if (r->loaded)
			block_find(r->addr, &r->block);
		return r->loaded;
	}
	if (g[REG_TRAPNO] != TRAP_PAGE_FAULT || !find_block(r))
		return false;
	if (g[REG_ERR] & ERROR_FETCH || r->addr == r->use.ip) {
		r->access = ACCESS_EXEC;
		return true;
	}
	r->access = g[REG_ERR] & ERROR_WRITE ? ACCESS_WRITE : ACCESS_READ;
	r->size = decode_access_size(insn, read_insn(r->use.ip, insn, sizeof(insn)));
	return true;
}

/* True if the program's handler has returned from this very finding too often. */
static bool is_endless(const struct report *r)
{
	if (last.ip != r->use.ip || last.sp != r->use.sp || last.addr != r->addr)
		last.times = 0;
	last.ip = r->use.ip;
	last.sp = r->use.sp;
	last.addr = r->addr;
	return ++last.times > RETRIES;
}

static void on_fault(int sig, siginfo_t *si, void *ucontext)
{
	greg_t *g = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t ip = (uintptr_t)g[REG_RIP];
	bool fault = signal_is_fault(si, ucontext);
	struct report r;

	if (fault && block_appears(vaddr_of(si->si_addr)))
		return;
	signal_arrived(ucontext);
	if (fault && extable_find(&ip)) {
		g[REG_RIP] = (greg_t)ip;
		return;
	}
	if (fault && report_is_printing()) {
		signal_set_default(sig);
		return;
	}
	if (!efault_is_mine(si) && classify(si, ucontext, &r)) {
		bool endless = is_endless(&r);

		if (!endless && report_survived(&r, ucontext))
			return;
		report_print(&r, ucontext, signal_is_fatal(sig));
		if (endless) {
			signal_set_default(sig);
			return;
		}
	}
	signal_deliver(sig, si, ucontext);
}

void fault_init(void)
{
	signal_take(on_fault);
	survive_init();
	suppressed_init();
	altstack_init();
}
