/*
 * finding.c - the report of a system call that was given a dead block, told by the program's own
 * thread.
 *
 * app context, a signal handler whose frame the vmm made (kcall.c): registers are those behind the
 * call, which answers EFAULT. The rule that breaks it: a report from the vmm, where no stack of the
 * program's is.
 */
#include "findings/findings.h"
#include "state.h"
#include "translate.h"

#include <sys/ucontext.h>

void kvm_dead_argument(int sig, siginfo_t *si, void *ucontext)
{
	const greg_t *g = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
	struct report r = {
		.kind = FINDING_USE_AFTER_FREE,
		.access = ACCESS_SYSCALL,
		.addr = vaddr_of(si->si_addr),
		.call = xlate_name(si->si_errno),
		.arg = si->si_addr_lsb,
		.use = {(uintptr_t)g[REG_RIP], (uintptr_t)g[REG_RSP], (uintptr_t)g[REG_RBP]},
	};

	block_find(r.addr, &r.block);
	report_print(&r, NULL, signal_is_fatal(SIGSEGV));
	efault_raise(r.addr);
}
