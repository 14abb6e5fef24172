/*
 * syscall.c - vmm context: one system call of the guest.
 *
 * Nearly all are forwarded as they are: same thread, same address space, same numbers. The rest
 * is here: calls whose meaning lies in registers or signals that the host does not hold (clone,
 * sigreturn, arch_prctl), that the kernel cannot honour in guest mode (rseq), or that would
 * take our footing away (close on our descriptors, execute permission).
 */
#include "hooks.h"
#include "page.h"
#include "signal.h"
#include "base/base.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Reads nr and a[]. */
long host_syscall(const struct dune_call *c, const volatile int *pending);

_Static_assert(offsetof(struct dune_call, a) == CALL_A, "host.S");

/* As it is; a signal that comes first, or that the kernel restarts after, is HOST_RESTART. */
static long forward(struct dune_call *c)
{
	return host_syscall(c, &c->t->has_sig);
}

/* The program's mask for the time of the call: sigsuspend, ppoll, pselect6, epoll_pwait. */
static long forward_masked(struct dune_call *c, const void *set)
{
	uint64_t mask;
	long ret;

	if (!set)
		return forward(c);
	if (user_copy(&mask, set, sizeof(mask)))
		return -EFAULT;
	if (c->t->has_sig)
		return HOST_RESTART;
	signal_temp_mask(c->t, mask);
	if (c->t->has_sig) /* waited here, and the mask lets it through */
		return -EINTR;
	ret = forward(c);
	if (ret != -EINTR || !c->t->has_sig)
		signal_temp_end(c->t);
	return ret;
}

static long pselect6(struct dune_call *c)
{
	struct {
		uint64_t set, size;
	} arg;

	if (!c->a[5])
		return forward(c);
	if (user_copy(&arg, (void *)c->a[5], sizeof(arg)))
		return -EFAULT;
	return forward_masked(c, (void *)arg.set);
}

static long sigtimedwait_call(struct dune_call *c)
{
	uint64_t set;
	siginfo_t info;
	int sig;

	if (c->a[3] != 8 || user_copy(&set, (void *)c->a[0], sizeof(set)))
		return forward(c);
	sig = signal_queue_take(c->t, set & c->t->sigmask, &info);
	if (!sig)
		return forward(c);
	if (c->a[1] && user_copy((void *)c->a[1], &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

static long arch_prctl(struct dune_call *c)
{
	uint64_t addr = (uint64_t)c->a[1], fs, gs;

	switch (c->a[0]) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= WINDOW_TASK_SIZE)
			return -EPERM;
		return vcpu_bases_set(c->t, c->a[0] == ARCH_SET_FS ? &addr : NULL,
			c->a[0] == ARCH_SET_GS ? &addr : NULL);
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		if (vcpu_bases_get(c->t, &fs, &gs))
			return -EINVAL;
		return user_copy((void *)addr, c->a[0] == ARCH_GET_FS ? &fs : &gs, 8);
	case 0x3001: /* ARCH_CET_STATUS; control-flow stacks, AMX: would be the host's */
	case 0x4002: /* ARCH_ENABLE_TAGGED_ADDR: the tag bits would be the host's CR3's */
	case 0x5001: /* ARCH_SHSTK_ENABLE */
	case 0x5003: /* ARCH_SHSTK_LOCK */
	case ARCH_REQ_XCOMP_PERM:
		return -EINVAL;
	}
	return forward(c);
}

/* The program may change what is code. False: the range is not the program's. */
static bool range_changes(long at, long len)
{
	vaddr_t lo = ALIGN_DOWN((vaddr_t)at, PAGE_SIZE);
	vaddr_t hi = ALIGN_UP((vaddr_t)at + (vaddr_t)len, PAGE_SIZE);

	if (lo < page_pool_end() && hi > PAGEBASE && lo < hi)
		return false; /* the page pool is not the program's to touch */
	if (lo < hi && hi <= WINDOW_TASK_SIZE)
		mappings_changed(&dune_mappings, lo, hi);
	return true;
}

static bool call_changes(struct dune_call *c)
{
	bool ok = true;

	switch (c->nr) {
	case __NR_mmap:
		if (c->a[3] & MAP_FIXED)
			ok = range_changes(c->a[0], c->a[1]);
		else if (!(c->a[3] & MAP_FIXED_NOREPLACE) && (vaddr_t)c->a[0] >= WINDOW_TASK_SIZE)
			c->a[0] = 0; /* five levels: only on the host, so nowhere */
		break;
	case __NR_mremap:
		ok = range_changes(c->a[0], c->a[1]);
		if (c->a[3] & MREMAP_FIXED)
			ok = ok && range_changes(c->a[4], c->a[2]);
		break;
	default:
		ok = range_changes(c->a[0], c->a[1]);
	}
	return ok;
}

/*
 * Before the host does it, so that the flush that goes with it finds our entries changed; and
 * after: another thread may have fetched code in between, by the old permission.
 */
static long memory_call(struct dune_call *c)
{
	long ret;

	if (!call_changes(c))
		return -ENOMEM;
	ret = forward(c);
	call_changes(c);
	return ret;
}

/* close_range around our own. */
static long close_range_call(struct dune_call *c)
{
	unsigned long lo = (unsigned)c->a[0], hi = (unsigned)c->a[1];
	long ours, ret = 0;

	if (lo > hi || (c->a[2] & 4 /* CLOEXEC: ours have it */))
		return forward(c);
	while (ret >= 0 && lo <= hi) {
		ours = fd_next(lo, hi);
		if (ours < 0) {
			ret = sys_call3(c->nr, (long)lo, (long)hi, c->a[2]);
			break;
		}
		if ((unsigned long)ours > lo)
			ret = sys_call3(c->nr, (long)lo, ours - 1, c->a[2]);
		lo = (unsigned long)ours + 1;
	}
	return ret;
}

/* A child of vfork has other descriptors but the same memory: it cannot move what both use. */
static long dup_onto_ours(struct dune_call *c)
{
	long err;

	if (c->t->own_process || sys_call3(__NR_fcntl, c->a[0], F_GETFD, 0) < 0)
		return -EBADF;
	vm_lock(&vm.lock);
	err = thread_fd_move((int)c->a[1]);
	vm_unlock(&vm.lock);
	return err ? -EMFILE : forward(c);
}

/* Calls by which programs close what they do not know, or find out what is open. */
static bool asks_for_fd(long nr)
{
	switch (nr) {
	case __NR_close:
	case __NR_close_range:
	case __NR_dup:
	case __NR_dup2:
	case __NR_dup3:
	case __NR_fcntl:
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_statx:
	case __NR_ioctl:
	case __NR_lseek:
	case __NR_read:
	case __NR_write:
		return true;
	}
	return false;
}

/* Ours are not open, as far as the program can tell. */
static long fd_call(struct dune_call *c)
{
	if (c->nr == __NR_close_range)
		return close_range_call(c);
	if (fd_is_ours((unsigned)c->a[0]))
		return -EBADF;
	switch (c->nr) {
	case __NR_dup2:
	case __NR_dup3:
		if (fd_is_ours((unsigned)c->a[1]) && c->a[0] != c->a[1])
			return dup_onto_ours(c);
	}
	return forward(c);
}

static long clone_call(struct dune_call *c)
{
	struct kvm_regs *r = thread_regs(c->t);

	switch (c->nr) {
	case __NR_fork:
		return thread_clone(c->t, SIGCHLD, 0, 0, 0, 0);
	case __NR_vfork:
		return thread_clone(c->t, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	}
	/* The stack stays what the program said: an alias of one must keep its promise. */
	return thread_clone(
		c->t, (uint64_t)c->a[0], r->rsi, (uint64_t)c->a[2], (uint64_t)c->a[3], r->r8);
}

/* The new program inherits what the host holds: let that be what this one believes. */
static long exec_call(struct dune_call *c)
{
	uint64_t mask;
	long ret;

	if (c->t->has_sig)
		return HOST_RESTART;
	mask = c->t->sigmask;
	signal_sync_ignored(c->t, true);
	if (mask & SIG_SYNC)
		sys_sigmask(SIG_SETMASK, &mask, NULL);
	ret = forward(c);
	if ((mask & SIG_SYNC) && !c->t->has_sig)
		signal_mask_host(c->t->sigmask);
	signal_sync_ignored(c->t, false);
	return ret;
}

static long exit_group(struct dune_call *c)
{
	if (c->t->own_process && !c->t->parent_waits)
		thread_exit(c->t, (int)c->a[0]);
	if (!c->t->own_process)
		counts_print_at_exit();
	return forward(c);
}

/* A filter would bind the vmm's own calls too, and a strict one kill it. */
static long seccomp_refuse(void)
{
	static int told;

	if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED))
		out_line(2, "undangle: the program asks for a seccomp filter: refused in ring 0 "
			    "(EINVAL, as by a kernel without seccomp)");
	return -EINVAL;
}

static long leave_call(struct dune_call *c)
{
	struct kvm_regs *r = thread_regs(c->t);

	r->rax = 0;
	r->rip = r->rcx;
	r->rflags = r->r11;
	if (threads_live() == 1)
		signal_undo(c->t);
	native_leave(c->t, c->t->sigmask);
}

/*
 * A siginfo of a fault, sent by the program: crash handlers pass on what they got. The kernel
 * allows it to oneself only.
 */
static long queueinfo_call(struct dune_call *c, int tid, int sig, const void *from)
{
	siginfo_t info;

	if (sig < 1 || sig > 64 || !(SIG_SYNC & SIGBIT(sig)) || tid != c->t->tid)
		return forward(c);
	if (user_copy(&info, from, sizeof(info)))
		return -EFAULT;
	if (info.si_code <= 0)
		return forward(c);
	info.si_signo = sig;
	signal_queue_self(c->t, &info);
	return 0;
}

/* Whose mask or handlers are not what the host has. */
static long signal_syscall(struct dune_call *c)
{
	struct thread *t = c->t;
	long *a = c->a;

	switch (c->nr) {
	case __NR_rt_sigaction:
		return signal_sys_action(t, (int)a[0], (void *)a[1], (void *)a[2], (size_t)a[3]);
	case __NR_rt_sigprocmask:
		return signal_sys_procmask(t, (int)a[0], (void *)a[1], (void *)a[2], (size_t)a[3]);
	case __NR_sigaltstack:
		return signal_sys_altstack(t, (void *)a[0], (void *)a[1]);
	case __NR_rt_sigpending:
		return signal_sys_pending(t, (void *)a[0], (size_t)a[1]);
	case __NR_rt_sigtimedwait:
		return sigtimedwait_call(c);
	case __NR_rt_sigsuspend:
		return a[1] == 8 ? forward_masked(c, (void *)a[0]) : -EINVAL;
	case __NR_ppoll:
		return forward_masked(c, (void *)a[3]);
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return forward_masked(c, (void *)a[4]);
	case __NR_rt_sigqueueinfo:
		return queueinfo_call(c, (int)a[0], (int)a[1], (void *)a[2]);
	case __NR_rt_tgsigqueueinfo:
		return queueinfo_call(c, (int)a[1], (int)a[2], (void *)a[3]);
	}
	return pselect6(c);
}

long dune_call_issue(struct dune_call *c)
{
	struct thread *t = c->t;
	long *a = c->a;

	switch (c->nr) {
	case __NR_rt_sigaction:
	case __NR_rt_sigprocmask:
	case __NR_sigaltstack:
	case __NR_rt_sigpending:
	case __NR_rt_sigtimedwait:
	case __NR_rt_sigsuspend:
	case __NR_ppoll:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_pselect6:
	case __NR_io_pgetevents:
	case __NR_rt_sigqueueinfo:
	case __NR_rt_tgsigqueueinfo:
		return signal_syscall(c);
	case __NR_seccomp:
		return a[0] == SECCOMP_SET_MODE_STRICT || a[0] == SECCOMP_SET_MODE_FILTER
			       ? seccomp_refuse()
			       : forward(c);
	case __NR_prctl:
		return a[0] == PR_SET_SECCOMP ? seccomp_refuse() : forward(c);
	case __NR_clone:
	case __NR_fork:
	case __NR_vfork:
		return clone_call(c);
	case __NR_clone3: /* glibc falls back to clone */
		return -ENOSYS;
	case __NR_rseq: /* not registered: the kernel cannot abort what runs in the guest */
		return 0;
	case __NR_exit:
		thread_exit(t, (int)a[0]);
	case __NR_exit_group:
		return exit_group(c);
	case __NR_execve:
	case __NR_execveat:
		return exec_call(c);
	case __NR_arch_prctl:
		return arch_prctl(c);
	case __NR_mmap:
	case __NR_munmap:
	case __NR_mprotect:
	case __NR_pkey_mprotect:
	case __NR_mremap:
		return memory_call(c);
	case __NR_pkey_alloc: /* no protection keys in the guest */
		return -ENOSPC;
	case DUNE_CALL_LEAVE:
		return leave_call(c);
	}
	return asks_for_fd(c->nr) ? fd_call(c) : forward(c);
}

void syscall_handle(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);
	struct dune_call c = {.nr = (long)r->rax, .t = t};
	long ret;

	t->n.syscalls++;
	if (c.nr == __NR_rt_sigreturn) {
		signal_sys_return(t);
		return;
	}
	c.a[0] = (long)r->rdi;
	c.a[1] = (long)r->rsi;
	c.a[2] = (long)r->rdx;
	c.a[3] = (long)r->r10;
	c.a[4] = (long)r->r8;
	c.a[5] = (long)r->r9;
	ret = dune_hooks.call ? dune_hooks.call(&c) : dune_call_issue(&c);
	r = thread_regs(t); /* a fork child has another kvm_run */
	r->rip = r->rcx;
	r->rflags = r->r11;
	if (ret == HOST_RESTART)
		r->rip -= 2;
	else
		r->rax = (uint64_t)ret;
	if (t->flush && ret != HOST_RESTART) {
		t->flush = false;
		r->rip = vm.mon_flush; /* reloads CR3, goes on at RCX */
	}
	if (c.nr == __NR_sched_setaffinity && !ret)
		vcpu_cpu_number(t);
	regs_dirty(t);
}
