/*
 * thread.c - vmm context: birth and death of threads.
 *
 * Owns the table of thread objects. An object (stacks, vCPU) is reused, but late: KVM pays an
 * RCU grace period (~16 ms) for a vCPU that changes threads, and vCPU ids are never given back,
 * so fresh ones are preferred while there are many left.
 */
#include "hooks.h"
#include "page.h"
#include "signal.h"
#include "base/base.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>

#define FRESH_VCPUS 512

static uint32_t thread_count; /* entries of the table */
static uint32_t reuse_from;   /* oldest first, roughly */

long host_clone(uint64_t flags, void *stack, uint64_t ptid, uint64_t ctid, uint64_t tls,
	struct thread *child);
void thread_begin(struct thread *t);
__attribute__((noreturn)) void host_exit(uint32_t *state, long nr, long status);

static struct thread *region_new(void)
{
	long at = sys_mmap(0, THREAD_REGION + THREAD_ALIGN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	vaddr_t lo, end;

	if (sys_is_err(at))
		return NULL;
	lo = ALIGN_UP((vaddr_t)at, THREAD_ALIGN);
	end = (vaddr_t)at + THREAD_REGION + THREAD_ALIGN;
	if (lo > (vaddr_t)at)
		sys_munmap((vaddr_t)at, lo - (vaddr_t)at);
	if (end > lo + THREAD_REGION)
		sys_munmap(lo + THREAD_REGION, end - lo - THREAD_REGION);
	sys_mprotect(lo + THREAD_VMM_LOW - PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	sys_mprotect(lo + THREAD_STACK_LOW - PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	return (struct thread *)lo;
}

/* The handler stack is touched by the monitor: its window must be there beforehand. */
static int region_show(struct thread *t)
{
	/* In precise form the pages themselves: the monitor takes no faults. */
	memset((char *)t + THREAD_STACK_LOW, 0, 1);
	if (dune_mappings.form == MAPPINGS_PRECISE)
		return mappings_fault(&dune_mappings, vaddr_of(t) + THREAD_STACK_LOW, 2);
	return mappings_window(&dune_mappings, vaddr_of(t))
		       ?: mappings_window(&dune_mappings, vaddr_of(t) + THREAD_REGION - 1);
}

static struct thread *table_reuse(bool with_vcpu)
{
	for (uint32_t n = 0; n < thread_count; n++) {
		struct thread *t = threads[(reuse_from + n) % thread_count];

		if (t->state == THREAD_FREE && (t->vcpu_fd >= 0 || !with_vcpu)) {
			reuse_from = (t->index + 1) % thread_count;
			t->state = THREAD_LIVE;
			return t;
		}
	}
	return NULL;
}

static struct thread *table_add(void)
{
	struct thread *t = thread_count < THREAD_MAX ? region_new() : NULL;

	if (!t)
		return NULL;
	t->vcpu_fd = -1;
	t->index = thread_count;
	t->state = THREAD_LIVE;
	threads[t->index] = t;
	__atomic_store_n(&thread_count, thread_count + 1, __ATOMIC_RELEASE);
	return t;
}

/* What the last owner left behind must not show. */
static void thread_wipe(struct thread *t)
{
	t->own_process = t->parent_waits = t->has_temp = t->flush = false;
	t->has_sig = 0;
	t->eject.active = 0;
	memset(&t->altstack, 0, sizeof(t->altstack));
	memset(t->queue, 0, sizeof(t->queue));
	if (t->run) {
		t->run->immediate_exit = 0;
		t->run->kvm_dirty_regs = 0;
	}
}

void thread_release(struct thread *t)
{
	sighand_drop(t->sighand);
	t->sighand = NULL;
	__atomic_store_n(&t->state, THREAD_FREE, __ATOMIC_RELEASE);
}

static struct thread *thread_take(void)
{
	struct thread *t = NULL;

	vm_lock(&vm.lock);
	if (thread_count >= FRESH_VCPUS)
		t = table_reuse(false);
	if (!t)
		t = table_add();
	if (!t)
		t = table_reuse(false);
	vm_unlock(&vm.lock);
	if (!t || t->vcpu_fd >= 0 || !vcpu_create(t))
		return t;
	/* KVM gives no more of them (288 before 5.15), or there is no descriptor left: a used one.
	 */
	thread_release(t);
	vm_lock(&vm.lock);
	t = table_reuse(true);
	vm_unlock(&vm.lock);
	return t;
}

struct thread *thread_new(void)
{
	struct thread *t = thread_take();

	if (!t)
		return NULL;
	thread_wipe(t);
	if (region_show(t) || vcpu_setup(t)) {
		thread_release(t);
		return NULL;
	}
	return t;
}

void thread_adopt(struct thread *t)
{
	stack_t ss = {
		.ss_sp = (char *)t + ALIGN_UP(sizeof(*t), PAGE_SIZE),
		.ss_size = THREAD_ALIGN - ALIGN_UP(sizeof(*t), PAGE_SIZE),
	};

	t->tid = sys_gettid();
	sys_call3(__NR_sigaltstack, (long)&ss, 0, 0);
	vcpu_cpu_number(t);
}

/* First C of a new host thread, all signals blocked, on its vmm stack. */
void thread_begin(struct thread *t)
{
	thread_adopt(t);
	if (dune_hooks.thread_start)
		dune_hooks.thread_start(t);
	signal_mask_host(t->sigmask);
	vmm_loop(t);
}

/* The child starts with the parent's registers as after the call, and its FP state. */
static int child_state(
	struct thread *t, struct thread *c, uint64_t flags, uint64_t stack, uint64_t tls)
{
	uint64_t fs, gs;
	struct kvm_regs *r = thread_regs(c);
	long err = vcpu_bases_get(t, &fs, &gs);

	if (err)
		return (int)err;
	if (flags & CLONE_SETTLS)
		fs = tls;
	err = vcpu_bases_set(c, &fs, &gs);
	if (!err)
		err = vcpu_fpu_get(t);
	if (err)
		return (int)err;
	memcpy(c->xsave, t->xsave, sizeof(c->xsave));
	err = vcpu_fpu_set(c);
	*r = *thread_regs(t);
	r->rax = 0;
	r->rip = r->rcx;
	r->rflags = r->r11;
	if (stack)
		r->rsp = stack;
	regs_dirty(c);
	c->sigmask = t->sigmask;
	if (flags & CLONE_VFORK)
		c->altstack = t->altstack;
	return (int)err;
}

static struct thread *child_new(struct thread *t, uint64_t flags, uint64_t stack, uint64_t tls)
{
	struct thread *c = thread_new();

	if (!c)
		return NULL;
	if (flags & CLONE_SIGHAND) {
		c->sighand = t->sighand;
		__atomic_fetch_add(&c->sighand->refs, 1, __ATOMIC_RELAXED);
	} else {
		c->sighand = sighand_new(t->sighand);
	}
	c->own_process = !(flags & CLONE_THREAD);
	c->parent_waits = c->own_process && (flags & CLONE_VFORK);
	if (!c->sighand || child_state(t, c, flags, stack, tls)) {
		thread_release(c);
		return NULL;
	}
	return c;
}

static long clone_vm(struct thread *t, uint64_t flags, uint64_t stack, uint64_t ptid, uint64_t ctid,
	uint64_t tls)
{
	struct thread *c = child_new(t, flags, stack, tls);
	uint64_t mask;
	long pid;

	if (!c)
		return -EAGAIN;
	mask = signal_mask_block();
	pid = host_clone(flags, (char *)c + THREAD_VMM_TOP, ptid, ctid, tls, c);
	if (pid < 0 || c->parent_waits)
		thread_release(c); /* failed, or gone to another program, or ended */
	sys_sigmask(SIG_SETMASK, &mask, NULL);
	return pid;
}

static long clone_fork(struct thread *t, uint64_t flags, uint64_t stack, uint64_t ptid,
	uint64_t ctid, uint64_t tls)
{
	struct kvm_regs regs = *thread_regs(t);
	uint64_t fs, gs, mask;
	long pid;

	if (vcpu_bases_get(t, &fs, &gs) || vcpu_fpu_get(t))
		return -EAGAIN;
	mask = signal_mask_block();
	if (t->has_sig) { /* it comes first, as in the kernel; all is blocked until then, which the child would keep */
		sys_sigmask(SIG_SETMASK, &mask, NULL);
		return HOST_RESTART;
	}
	vm_lock(&vm.lock);
	vm_lock(&t->sighand->lock);
	pid = sys_call6(__NR_clone, (long)(flags & ~(uint64_t)CLONE_SETTLS), 0, (long)ptid,
		(long)ctid, 0, 0);
	vm_unlock(&t->sighand->lock);
	vm_unlock(&vm.lock);
	if (pid == 0) {
		if (flags & CLONE_SETTLS)
			fs = tls;
		if (fork_child(t, &regs, flags) || vcpu_bases_set(t, &fs, &gs) || vcpu_fpu_set(t)) {
			out_line(2, "dune: no virtual machine for the child of a fork");
			sys_exit_group(127);
		}
		if (stack)
			thread_regs(t)->rsp = stack;
		if (dune_hooks.fork_child)
			dune_hooks.fork_child(t);
	}
	sys_sigmask(SIG_SETMASK, &mask, NULL);
	return pid;
}

long thread_clone(struct thread *t, uint64_t flags, uint64_t stack, uint64_t ptid, uint64_t ctid,
	uint64_t tls)
{
	if ((flags & CLONE_SETTLS) && tls >= WINDOW_TASK_SIZE)
		return -EPERM;
	if (flags & CLONE_VM)
		return clone_vm(t, flags, stack, ptid, ctid, tls);
	return clone_fork(t, flags, stack, ptid, ctid, tls);
}

void thread_exit(struct thread *t, int status)
{
	long nr = t->own_process ? __NR_exit_group : __NR_exit;

	signal_mask_block();
	if (dune_hooks.thread_end)
		dune_hooks.thread_end(t);
	if (t->parent_waits) /* it gives the object back */
		for (;;)
			sys_call3(nr, status, 0, 0);
	counts_add(t);
	sighand_drop(t->sighand);
	t->sighand = NULL;
	host_exit(&t->state, nr, status);
}

int thread_fd_move(int fd)
{
	int *holder[] = {&vm.kvm_fd, &vm.fd, &vm.stats_fd}, to = fd_move(fd);

	if (to < 0)
		return to;
	for (size_t i = 0; i < ARRAY_LEN(holder); i++)
		if (*holder[i] == fd)
			*holder[i] = to;
	for (uint32_t i = 0; i < thread_count; i++)
		if (threads[i]->vcpu_fd == fd)
			threads[i]->vcpu_fd = to;
	return 0;
}

unsigned threads_live(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < thread_count; i++)
		n += threads[i]->state == THREAD_LIVE;
	return n;
}

/* fork.c: every other thread stayed behind. */
void thread_forget_others(struct thread *t)
{
	for (uint32_t i = 0; i < thread_count; i++) {
		struct thread *o = threads[i];

		if (o->run)
			sys_munmap(vaddr_of(o->run), vm.run_size);
		o->run = NULL;
		if (o->vcpu_fd >= 0)
			fd_close(o->vcpu_fd);
		o->vcpu_fd = -1;
		if (o == t)
			continue;
		o->sighand = NULL;
		o->state = THREAD_FREE;
	}
}
