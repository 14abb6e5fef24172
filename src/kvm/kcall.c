/*
 * kcall.c - system calls of ring 0 on their way to the host: aliases become canonical addresses.
 *
 * vmm context, on the thread's own stack: no libc that allocates, no TLS, no lock of the app's.
 * Reads the page tables and the tables of translate.c; writes only to its thread's scratch area
 * and, for what the kernel answered, to the program's canonical memory.
 */
#include "dune/dune.h"
#include "state.h"
#include "translate.h"

#include <errno.h>
#include <sys/mman.h>

#define SCRATCH_SIZE (4UL << 20)
#define KNOWN_NRS    1024

static unsigned char *scratch[EPOCH_CPUS] UD_TABLE;
static bool unknown_said[KNOWN_NRS];
static int own_pid;

/* How far the mapping goes on contiguously in host addresses, from va in the leaf *e. */
static size_t reach(vaddr_t va, vaddr_t canon, size_t len, struct pt_entry *e)
{
	const struct windows *w = &dune_mappings.windows;
	size_t size = pt_size(e->level), got = size - (va & (size - 1));

	while (got < len) {
		pte_t pte = pt_walk(&dune_mappings.pt, va + got, e);

		size = pt_size(e->level);
		if (!(pte & PTE_P) ||
			window_pa_to_va(w, pte_addr(pte) + ((va + got) & (size - 1))) !=
				canon + got)
			break;
		got += size - ((va + got) & (size - 1));
	}
	return MIN(got, len);
}

static void lookup(void *ctx, vaddr_t va, size_t len, struct xlate_hit *hit)
{
	struct pt_entry e;
	pte_t pte;

	hit->kind = XLATE_PLAIN;
	if (!vpages_owns(&kvm_vpages, va))
		return;
	pte = pt_walk(&dune_mappings.pt, va, &e);
	if (pte & PTE_P) {
		hit->kind = XLATE_LIVE;
		hit->canon = window_pa_to_va(
			&dune_mappings.windows, pte_addr(pte) + (va & (pt_size(e.level) - 1)));
		hit->len = reach(va, hit->canon, len, &e);
	} else if (pte_is_tombstone(pte)) {
		hit->kind = XLATE_DEAD_ALIAS;
	}
}

static long copy_in(void *ctx, void *dst, vaddr_t src, size_t n)
{
	return user_copy(dst, vaddr_ptr(src), n);
}

static long copy_out(void *ctx, vaddr_t dst, const void *src, size_t n)
{
	return user_copy(vaddr_ptr(dst), src, n);
}

static const struct xlate_ops ops = {lookup, copy_in, copy_out};

static unsigned char *scratch_of(uint32_t index)
{
	long r;

	if (likely(scratch[index]))
		return scratch[index];
	r = sys_mmap(0, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_is_err(r))
		return NULL;
	return scratch[index] = (unsigned char *)r;
}

/*
 * The finding is told by the program's own thread, in ring 0, where reports are printed: by a
 * handler of ours, entered as for a signal that came right behind a system call that answered
 * EFAULT.
 */
static long dead_argument(struct thread *t, const struct xlate *x, long nr)
{
	struct kvm_regs *r = thread_regs(t);
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_errno = (int)nr};

	si.si_addr = vaddr_ptr(x->dead.addr);
	si.si_addr_lsb = (short)x->dead.arg;
	r->rip = r->rcx;
	r->rflags = r->r11;
	r->rax = (uint64_t)-EFAULT;
	signal_call(t, &si, (uint64_t)(uintptr_t)kvm_dead_argument);
	r->rcx = r->rip; /* where syscall_handle goes on */
	r->r11 = r->rflags;
	return -EFAULT;
}

static void unknown_call(long nr)
{
	if (nr >= 0 && nr < KNOWN_NRS &&
		!__atomic_exchange_n(&unknown_said[nr], true, __ATOMIC_RELAXED))
		out_line(2,
			"undangle: warning: system call %ld is not known: its arguments are "
			"translated where they are live blocks, no deeper",
			nr);
}

static long translated(struct dune_call *c)
{
	struct xlate x;
	uint64_t args[6];
	long ret;
	int i;

	x.ops = &ops;
	x.ctx = NULL;
	x.scratch = scratch_of(c->t->index);
	x.scratch_size = x.scratch ? SCRATCH_SIZE : 0;
	x.pid = own_pid;
	for (i = 0; i < 6; i++)
		args[i] = (uint64_t)c->a[i];
	switch (xlate_before(&x, c->nr, args)) {
	case XLATE_FAIL:
		return x.ret;
	case XLATE_DEAD:
		return dead_argument(c->t, &x, c->nr);
	default:
		break;
	}
	if (x.unknown)
		unknown_call(c->nr);
	for (i = 0; i < 6; i++)
		c->a[i] = (long)x.args[i];
	ret = dune_call_issue(c);
	return ret == HOST_RESTART ? ret : xlate_after(&x, args, ret);
}

long kcall(struct dune_call *c)
{
	struct epoch_cpu *e = &kvm_epochs.cpu[c->t->index];
	uint64_t token;
	long ret;

	if (unlikely(c->nr == __NR_exit || c->nr == __NR_exit_group))
		robust_release(c->t);
	/* Out of the guest: nobody waits for this vCPU until it comes back and flushes. */
	epoch_sleep(e);
	ret = translated(c);
	if (epoch_wake(&kvm_epochs, e)) {
		c->t->flush = true;
		/* Before any guest code but the reload of CR3 itself; not if a signal comes first.
		 */
		if (ret != HOST_RESTART && !c->t->has_sig) {
			token = epoch_flush_begin(&kvm_epochs);
			epoch_flush_end(e, token);
		}
	}
	return ret;
}

void kcall_fork_child(void)
{
	own_pid = sys_getpid();
}
