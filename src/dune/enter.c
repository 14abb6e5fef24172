/*
 * enter.c - app context: from a plain Linux process into ring 0, and back.
 *
 * dune_init makes page pool, tables and VM; dune_enter (begin.S) calls enter_prepare on the
 * program's stack, then leaves that stack to the guest and never comes back to it on the host.
 */
#include "hooks.h"
#include "page.h"
#include "signal.h"

#include <asm/prctl.h>
#include <errno.h>
#include <string.h>

/* glibc 2.35 and later: where it has registered the main thread's. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

struct thread *enter_prepare(uint64_t rip, uint64_t rsp);

DUNE_API int dune_init(unsigned flags)
{
	int err;

	if (vm.fd >= 0)
		return -EALREADY;
	vm.stats = flags & DUNE_STATS;
	if (vm.stats)
		vm.stats_fd = fd_hide((int)sys_call3(__NR_dup, 2, 0, 0));
	err = page_init();
	if (!err)
		err = setup_mappings(
			&dune_mappings, flags & DUNE_PRECISE ? MAPPINGS_PRECISE : MAPPINGS_FULL);
	if (!err)
		err = vm_create();
	if (!err)
		err = monitor_install();
	if (err && vm.fd >= 0) {
		fd_close(vm.fd);
		vm.fd = -1;
	}
	return err;
}

/* The kernel cannot abort a restartable sequence in guest mode: there must be none. */
static void rseq_end(uint64_t fs)
{
	long at;

	if (!&__rseq_offset || !&__rseq_size)
		return;
	at = (long)fs + __rseq_offset;
	if (sys_call4(__NR_rseq, at, RSEQ_SIZE_OLD, RSEQ_UNREGISTER, RSEQ_SIGNATURE) == -EINVAL)
		sys_call4(__NR_rseq, at, __rseq_size, RSEQ_UNREGISTER, RSEQ_SIGNATURE);
}

static int state_take(struct thread *t)
{
	uint64_t fs = 0, gs = 0;
	uint32_t mxcsr;
	uint16_t fcw;
	int err;

	sys_call3(__NR_arch_prctl, ARCH_GET_FS, (long)&fs, 0);
	sys_call3(__NR_arch_prctl, ARCH_GET_GS, (long)&gs, 0);
	err = vcpu_bases_set(t, &fs, &gs);
	if (err)
		return err;
	rseq_end(fs);
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(fcw));
	return vcpu_fpu_reset(t, fcw, mxcsr);
}

/* The thread object with everything ready, or -errno. */
struct thread *enter_prepare(uint64_t rip, uint64_t rsp)
{
	struct thread *t;
	struct kvm_regs *r;
	uint64_t mask;
	int err;

	if (vm.fd < 0)
		return (struct thread *)-EINVAL;
	t = thread_new();
	if (!t)
		return (struct thread *)-EAGAIN;
	mask = signal_mask_block();
	sys_sigmask(SIG_SETMASK, &mask, NULL);
	err = state_take(t);
	if (err) {
		thread_release(t);
		return (struct thread *)(long)err;
	}
	r = thread_regs(t);
	memset(r, 0, sizeof(*r));
	r->rip = rip;
	r->rsp = rsp;
	r->rflags = 0x202;
	regs_dirty(t);
	err = signal_init(t);
	if (err) {
		thread_release(t);
		return (struct thread *)(long)err;
	}
	thread_adopt(t);
	return t;
}

DUNE_API int dune_leave(void)
{
	return dune_inside() ? (int)sys_call3(DUNE_CALL_LEAVE, 0, 0, 0) : -EINVAL;
}
