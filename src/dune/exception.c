/*
 * exception.c - vmm context: exceptions of the guest that no handler in its own ring took.
 *
 * Page faults complete the tables (a window's first touch, code in a page that is not yet
 * executable). Everything else, and every access that the host refuses, is replayed: the one
 * instruction runs natively, and what the host's processor raises is the truth for siginfo.
 */
#include "hooks.h"
#include "signal.h"
#include "base/base.h"

#include <errno.h>
#include <string.h>

#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_DF 8
#define VECTOR_PF 14

struct exception_frame { /* the tail of struct dune_tf, from cr2 on */
	uint64_t cr2, rax, vector, error, rip, cs, rflags, rsp, ss;
};

_Static_assert(offsetof(struct dune_tf, cr2) == TF_CR2, "frame.h");
_Static_assert(offsetof(struct dune_tf, rax) == TF_RAX, "frame.h");
_Static_assert(offsetof(struct dune_tf, vector) == TF_VEC, "frame.h");
_Static_assert(offsetof(struct dune_tf, rsp) == TF_RSP, "frame.h");
_Static_assert(sizeof(struct dune_tf) == TF_SIZE, "frame.h");

/* A trap after an instruction has no instruction to replay. */
static void trap_deliver(struct thread *t)
{
	siginfo_t si = {.si_signo = SIGTRAP, .si_code = TRAP_TRACE};

	si.si_addr = (void *)thread_regs(t)->rip;
	t->eject.err = 0;
	t->eject.trapno = VECTOR_DB;
	t->eject.cr2 = 0;
	signal_force(t, &si);
}

static void no_memory(struct thread *t, vaddr_t va, int err)
{
	siginfo_t si = {.si_signo = SIGBUS, .si_code = BUS_ADRERR};

	out_line(2, "dune: no page table or window for address 0x%lx (error %d)", (unsigned long)va,
		-err);
	si.si_addr = vaddr_ptr(va);
	signal_force(t, &si);
}

static void page_fault(struct thread *t, const struct exception_frame *f)
{
	int err;

	if (dune_hooks.fault && dune_hooks.fault(t, f->cr2, f->error))
		return;
	err = mappings_fault(&dune_mappings, f->cr2, f->error);
	if (!err)
		t->n.faults++;
	else if (err == -EFAULT)
		replay(t);
	else
		no_memory(t, f->cr2, err);
}

void exception_handle(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);
	struct exception_frame f;

	memcpy(&f, vaddr_ptr(r->rsp), sizeof(f));
	r->rax = f.rax;
	r->rip = f.rip;
	r->rsp = f.rsp;
	r->rflags = f.rflags;
	regs_dirty(t);
	switch (f.vector) {
	case VECTOR_PF:
		page_fault(t, &f);
		return;
	case VECTOR_DB:
		t->n.exceptions++;
		if (f.rip ==
			vm.mon_syscall) { /* the trap of a stepped system call: it comes after */
			r->rflags &= ~0x100UL;
			return;
		}
		trap_deliver(t);
		return;
	case VECTOR_DF:
		vcpu_dump_panic(t, "double fault");
	case VECTOR_BP:
		r->rip -= 1;
	}
	t->n.exceptions++;
	replay(t);
}

void replay(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);

	t->n.replays++;
	if (dune_hooks.replay && dune_hooks.replay(t))
		return;
	panic_if(r->rip >= vm.mon_start && r->rip < vm.mon_end,
		"dune: the monitor touched memory it may not (rip 0x%llx rsp 0x%llx)", r->rip,
		r->rsp);
	native_step(t);
	if (t->eject.sig)
		signal_force(t, &t->eject.info);
	else if (r->rflags & 0x100)
		trap_deliver(t);
}
