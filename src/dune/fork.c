/*
 * fork.c - vmm context: the child of a fork, which has everything but a machine.
 *
 * KVM binds a VM to the address space it was made in, so the child gets a new VM, the same
 * slots and one vCPU; page tables, pool and thread object are memory and came along. Breaks if
 * the registers are taken from kvm_run here: that page is still shared with the parent, which
 * runs on.
 */
#include "thread.h"

#include <linux/sched.h>
#include <string.h>

int fork_child(struct thread *t, const struct kvm_regs *regs, uint64_t clone_flags)
{
	bool keep_fds = clone_flags & CLONE_FILES; /* shared with the parent: not ours to close */
	int err;

	pt_thaw(&dune_mappings.pt);
	if (keep_fds)
		for (uint32_t i = 0; i < THREAD_MAX && threads[i]; i++)
			threads[i]->vcpu_fd = -1;
	thread_forget_others(t);
	if (!keep_fds)
		fd_close(vm.fd);
	counts_forget();
	err = vm_make();
	if (!err)
		err = vcpu_create(t);
	if (err)
		return err;
	*thread_regs(t) = *regs;
	regs_dirty(t);
	memset(&t->n, 0, sizeof(t->n));
	memset(t->queue, 0, sizeof(t->queue));
	t->has_sig = 0;
	t->own_process = t->parent_waits = false;
	t->tid = sys_gettid();
	return vcpu_setup(t) ? -1 : 0;
}
