/*
 * run.c - vmm context: the loop around KVM_RUN, on the thread's own stack.
 *
 * Every reason to leave the guest comes through here. Invariant at the top of the loop:
 * thread_regs are those the guest goes on with. Signal frames are built only where they are
 * the program's, never in the middle of the monitor.
 */
#include "signal.h"
#include "thread.h"

#include <errno.h>

static bool in_monitor(uint64_t rip)
{
	return rip >= vm.mon_start && rip < vm.mon_end;
}

static long vcpu_run(struct thread *t)
{
	long ret;
	int fd;

	t->n.runs++;
	do { /* another thread may just be giving our descriptor another number */
		fd = t->vcpu_fd;
		ret = vm_ioctl(fd, KVM_RUN, NULL);
	} while ((ret == -ENOTTY || ret == -EBADF) && fd != *(volatile int *)&t->vcpu_fd);
	t->run->kvm_dirty_regs = 0;
	return ret;
}

static void step_mode(struct thread *t, bool on)
{
	struct kvm_guest_debug dbg = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	vm_ioctl(t->vcpu_fd, KVM_SET_GUEST_DEBUG, &dbg);
}

/*
 * A signal came while the guest was about to halt, or in the few instructions around a handler
 * of ring 0. At the system call: as if it had come just before. Else: step out of the monitor.
 * True if frames may be built now.
 */
static bool monitor_leave(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);

	if (r->rip == vm.mon_syscall) {
		r->rip = r->rcx - 2;
		r->rflags = r->r11;
		regs_dirty(t);
		return true;
	}
	return !in_monitor(r->rip);
}

static void halted(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);

	if (r->rip == vm.mon_syscall_done) {
		syscall_handle(t);
	} else if (r->rip == vm.mon_exception_done) {
		exception_handle(t);
	} else { /* the program's own hlt: forbidden outside ring 0, and so it shall look */
		r->rip -= 1;
		regs_dirty(t);
		replay(t);
	}
}

static void exited(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);

	switch (t->run->exit_reason) {
	case KVM_EXIT_HLT:
		halted(t);
		return;
	case KVM_EXIT_DEBUG:
		t->n.steps++;
		return;
	case KVM_EXIT_IO: /* in, out: RIP is still before it; natively a fault */
	case KVM_EXIT_MMIO:
	case KVM_EXIT_EXCEPTION: /* a split lock, where the host forbids them: natively SIGBUS */
		r->rip = t->run->s.regs.regs.rip;
		regs_dirty(t);
		replay(t);
		return;
	case KVM_EXIT_INTERNAL_ERROR:
		if (t->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
			!in_monitor(r->rip)) {
			replay(t);
			return;
		}
	}
	vcpu_dump_panic(t, "the guest stopped");
}

/* A handler, or a signal frame, may say anything; Intel refuses to enter a guest that is nowhere.
 */
static bool rip_is_address(uint64_t rip)
{
	return (uint64_t)((int64_t)(rip << 16) >> 16) == rip;
}

void vmm_loop(struct thread *t)
{
	bool stepping = false;
	long ret;

	for (;;) {
		if (signal_pending(t)) {
			if (monitor_leave(t)) {
				signal_frames(t);
			} else if (!stepping) {
				stepping = true;
				step_mode(t, true);
			}
			if (stepping)
				t->run->immediate_exit = 0;
		}
		if (stepping && !in_monitor(thread_regs(t)->rip)) {
			stepping = false;
			step_mode(t, false);
		}
		if (!rip_is_address(thread_regs(t)->rip)) {
			replay(t);
			continue;
		}
		ret = vcpu_run(t);
		if (t->poison) {
			t->poison = 0;
			replay(t);
		} else if (ret >= 0)
			exited(t);
		else if (ret == -EINTR || ret == -EAGAIN)
			t->n.interrupted++;
		else if (ret == -EFAULT)
			replay(t);
		else
			vcpu_dump_panic(t, "KVM_RUN failed");
	}
}
