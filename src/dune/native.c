/*
 * native.c - vmm context: puts the guest's registers onto the host's processor.
 *
 * By rt_sigreturn, which alone sets everything at once: general registers, flags, FP state and
 * signal mask. For one instruction (RFLAGS.TF; the host's handler brings the thread back) or
 * for good. Breaks if a signal handler that is not ours runs in between: all but the
 * synchronous signals are blocked meanwhile.
 */
#include "signal.h"
#include "base/base.h"

#include <asm/prctl.h>
#include <string.h>

#define RFLAGS_TF 0x100UL
#define UC_FLAGS  7 /* UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */

void host_eject(void *frame, uint64_t *rsp);

struct native_frame {
	struct kernel_ucontext uc; /* RSP points here: the kernel takes the return address off */
	siginfo_t info;
	uint8_t xsave[4096] __attribute__((aligned(64)));
};

/*
 * Protection keys are the host's business (memory that may only be executed has one), and what the
 * thread may touch is in its own register, not in the guest's.
 */
static void frame_keys(uint8_t *xsave)
{
	uint32_t pkru, high;

	if (!vm.pkru_at)
		return;
	__asm__ volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
	memcpy(xsave + vm.pkru_at, &pkru, sizeof(pkru));
	xsave[XSAVE_BV + 1] |= 1 << (XCR0_PKRU - 8);
}

static void frame_fill(struct native_frame *f, struct thread *t, uint64_t mask)
{
	memset(&f->uc, 0, sizeof(f->uc));
	f->uc.flags = UC_FLAGS;
	sigctx_from_regs(&f->uc.mc, thread_regs(t));
	f->uc.mc.cs = 0x33;
	f->uc.mc.ss = 0x2b;
	f->uc.sigmask = mask;
	f->uc.stack.ss_flags = SS_DISABLE;
	memcpy(f->xsave, t->xsave, vm.xsave_size);
	frame_keys(f->xsave);
	sigframe_xsave_seal(f->xsave);
	f->uc.mc.fpstate = (uint64_t)(uintptr_t)f->xsave;
}

static void host_bases(struct thread *t)
{
	uint64_t fs, gs;

	panic_if(vcpu_bases_get(t, &fs, &gs), "dune: KVM_GET_SREGS failed");
	sys_call3(__NR_arch_prctl, ARCH_SET_FS, (long)fs, 0);
	sys_call3(__NR_arch_prctl, ARCH_SET_GS, (long)gs, 0);
}

void native_step(struct thread *t)
{
	struct native_frame f;
	uint64_t guest_tf = thread_regs(t)->rflags & RFLAGS_TF;

	panic_if(vcpu_fpu_get(t), "dune: KVM_GET_XSAVE failed");
	sys_sigmask(SIG_BLOCK, NULL, &t->eject.mask);
	frame_fill(&f, t, ~(uint64_t)SIG_SYNC);
	/* rt_sigreturn also restores the alternate stack: it must be ours, as it is. */
	sys_call3(__NR_sigaltstack, 0, (long)&f.uc.stack, 0);
	f.uc.mc.rflags |= RFLAGS_TF;
	host_bases(t);
	t->eject.sig = 0;
	t->eject.active = 1;
	host_eject(&f, &t->eject.rsp);
	if (!guest_tf)
		thread_regs(t)->rflags &= ~RFLAGS_TF;
	regs_dirty(t);
	if (!t->eject.sig)
		panic_if(vcpu_fpu_set(t), "dune: KVM_SET_XSAVE failed");
}

void native_leave(struct thread *t, uint64_t mask)
{
	struct native_frame f;
	uint64_t rsp;

	signal_mask_block();
	panic_if(vcpu_fpu_get(t), "dune: KVM_GET_XSAVE failed");
	frame_fill(&f, t, mask);
	f.uc.stack = t->altstack;
	host_bases(t);
	host_eject(&f, &rsp);
	__builtin_unreachable();
}
