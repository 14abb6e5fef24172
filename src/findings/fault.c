/*
 * fault.c - the real handler of SIGSEGV and SIGBUS (fault.h). app context, in a signal handler,
 * perhaps on the program's small alternate stack: shallow frames, no libc that could lock.
 *
 * Order matters: what a fork's child has not got back yet first, then a fault of our own stack
 * walk, our own printing, a finding, the program. After a finding the signal takes the course that
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

bool fault_classify(const siginfo_t *si, const void *ucontext, struct report *r)
{
	const ucontext_t *uc = ucontext;
	const greg_t *g = uc->uc_mcontext.gregs;
	uint8_t insn[15];

	/* Sent, or a general protection fault: no address. */
	if (!signal_is_fault(si, ucontext) || si->si_code == SI_KERNEL ||
		g[REG_TRAPNO] != TRAP_PAGE_FAULT)
		return false;
	*r = (struct report){
		.kind = FINDING_USE_AFTER_FREE,
		.addr = vaddr_of(si->si_addr),
		.use = {(uintptr_t)g[REG_RIP], (uintptr_t)g[REG_RSP], (uintptr_t)g[REG_RBP]},
	};
	if (!find_block(r))
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
	struct stack_regs at = {
		(uintptr_t)g[REG_RIP], (uintptr_t)g[REG_RSP], (uintptr_t)g[REG_RBP]};
	bool fault = signal_is_fault(si, ucontext);
	struct report r;

	if (fault && block_appears(vaddr_of(si->si_addr)))
		return;
	signal_arrived(ucontext);
	if (fault && (stack_recover(&at) || judge_recover(&at))) {
		g[REG_RIP] = (greg_t)at.ip;
		g[REG_RSP] = (greg_t)at.sp;
		g[REG_RBP] = (greg_t)at.bp;
		return;
	}
	if (fault && report_is_printing()) {
		signal_set_default(sig);
		return;
	}
	if (!efault_is_mine(si) && fault_classify(si, ucontext, &r)) {
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

int fault_init(void)
{
	int r = signal_take(on_fault);

	survive_init();
	suppressed_init();
	altstack_init();
	efault_init();
	return r;
}
