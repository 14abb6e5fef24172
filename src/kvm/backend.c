/*
 * backend.c - the kvm backend: into ring 0, and what the vmm asks of us there.
 *
 * kvm_enter runs in plain Linux, at the first malloc; the hooks are vmm context.
 */
#include "dune/dune.h"
#include "state.h"
#include "base/base.h"

#include <errno.h>
#include <sys/mman.h>

#define ERROR_P		1UL /* page-fault error code */
#define ERROR_FETCH	16UL
#define TRAP_PAGE_FAULT 14

/* Secures an entry of the PML4 against the host's mmap. Without room for that, an empty one. */
static int slot_reserve(void *ctx, vaddr_t lo)
{
	long r = sys_mmap(lo, VPAGES_SLOT, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);

	if (sys_is_err(r))
		return r == -ENOMEM ? 0 : (int)r;
	if ((vaddr_t)r != lo) { /* a kernel that takes the address for a hint */
		sys_munmap((vaddr_t)r, VPAGES_SLOT);
		return -EEXIST;
	}
	sys_madvise(lo, VPAGES_SLOT, MADV_DONTDUMP);
	return 0;
}

/*
 * A page table nobody can reach any more. In the vmm there is no slot to hold it for us: it stays
 * allocated, which is rare, and a page.
 */
static void table_unlinked(void *ctx, paddr_t table)
{
	if (dune_inside())
		quarantine_put_table(table);
}

/*
 * vmm. Code fetched through a live alias: allowed where the program made its canonical page
 * executable (malloc and mprotect).
 */
static bool code_fetch(vaddr_t va)
{
	struct procmap_row row;
	vaddr_t canon = kalias_live(va), page = va & PAGE_MASK;

	if (!canon || procmap_find(canon, &row) || !(row.prot & PROT_EXEC))
		return false;
	return !pt_protect(&dune_mappings.pt, page, page + PAGE_SIZE, 0, PTE_NX);
}

/* vmm. An address of ours where nothing is mapped: a finding, or a wild access. */
static bool on_fault(struct thread *t, vaddr_t va, uint64_t error)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};

	if (!vpages_owns(&kvm_vpages, va))
		return false;
	if (error & ERROR_P)
		return (error & ERROR_FETCH) && code_fetch(va);
	si.si_addr = vaddr_ptr(va);
	t->eject.err = error | 4; /* as if from user mode */
	t->eject.trapno = TRAP_PAGE_FAULT;
	t->eject.cr2 = va;
	signal_force(t, &si);
	return true;
}

/* Registers that may be the base of an access to the live alias `fault` get canonical values. */
static void regs_lower(struct thread *t, vaddr_t fault, uint64_t delta[16], uint64_t canon[16])
{
	uint64_t *reg = (uint64_t *)thread_regs(t);
	int i;

	for (i = 0; i < 16; i++) {
		delta[i] = 0;
		canon[i] = (reg[i] - fault + (1UL << 31)) >> 32 ? 0 : kalias_live(reg[i]);
		if (canon[i]) {
			delta[i] = reg[i] - canon[i];
			reg[i] = canon[i];
		}
	}
	regs_dirty(t);
}

/* And the aliases back, where the instruction left the value or stepped it (string, stack). */
static void regs_raise(struct thread *t, const uint64_t delta[16], const uint64_t canon[16])
{
	uint64_t *reg = (uint64_t *)thread_regs(t), addr = vaddr_of(t->eject.info.si_addr);
	int i;

	for (i = 0; i < 16; i++)
		if (canon[i] && reg[i] - canon[i] + 64 <= 128)
			reg[i] += delta[i];
	regs_dirty(t);
	for (i = 0; i < 16 && t->eject.sig; i++)
		if (canon[i] && kalias_live(addr + delta[i]) == addr) {
			t->eject.info.si_addr = vaddr_ptr(addr + delta[i]);
			t->eject.cr2 = addr + delta[i];
			return;
		}
}

/*
 * vmm. One instruction is to run natively, where aliases do not exist. Most need none. If it
 * stops at a live one, it runs again with canonical addresses in its base registers: then it
 * either completes, or faults for the reason for which it is here.
 */
static bool on_replay(struct thread *t)
{
	uint64_t *reg = (uint64_t *)thread_regs(t), delta[16], canon[16];
	vaddr_t fault;
	int i;

	_Static_assert(offsetof(struct kvm_regs, rip) == 16 * 8, "16 general registers first");
	for (i = 0; i < 16 && !kalias_live(reg[i]); i++)
		;
	if (i == 16)
		return false;
	native_step(t);
	fault = vaddr_of(t->eject.info.si_addr);
	if (t->eject.sig == SIGSEGV && kalias_live(fault)) {
		regs_lower(t, fault, delta, canon);
		native_step(t);
		regs_raise(t, delta, canon);
	}
	if (t->eject.sig)
		signal_force(t, &t->eject.info);
	return true;
}

static void slot_init(uint32_t i, int tid, struct epoch_cpu *e)
{
	struct kvm_slot *s = &kvm_slots[i];

	s->tid = tid;
	s->epoch = e;
	if (!s->cursor) /* else it goes on where the thread before ended */
		s->cursor = GRAIN_PAGES;
}

static void on_thread_start(struct thread *t)
{
	struct epoch_cpu *e = epoch_join(&kvm_epochs, t->index);

	slot_init(t->index, t->tid, e);
	t->cpu->local = &kvm_slots[t->index];
	/* A vCPU that ran before may hold old translations; a new CR3 value empties its TLB. */
	if (!vm_ioctl(t->vcpu_fd, KVM_GET_SREGS, &t->sregs)) {
		t->sregs.cr3 ^= 8;
		vm_ioctl(t->vcpu_fd, KVM_SET_SREGS, &t->sregs);
	}
	epoch_wake(&kvm_epochs, e);
	epoch_flush_end(e, epoch_flush_begin(&kvm_epochs));
	quarantine_joined();
}

static void on_die(struct thread *t, const siginfo_t *info)
{
	robust_release(t);
}

static void on_thread_end(struct thread *t)
{
	epoch_leave(&kvm_epochs, &kvm_epochs.cpu[t->index]);
}

/* One thread is left. What the others held back goes back with its own. */
static void on_fork_child(struct thread *t)
{
	uint32_t i;

	for (i = 0; i < kvm_epochs.ncpus; i++) {
		if (i == t->index)
			continue;
		epoch_leave(&kvm_epochs, &kvm_epochs.cpu[i]);
		quarantine_inherit(&kvm_slots[t->index], &kvm_slots[i]);
	}
	kvm_slots[t->index].tid = t->tid;
	t->cpu->local = &kvm_slots[t->index];
	grain_fork_child();
	kcall_fork_child();
}

int kvm_probe(const char **why)
{
	return dune_probe(why);
}

int kvm_enter(bool (*other)(const void *p, size_t *size))
{
	int err = grain_init();

	sysheap_begin(other);
	if (!err)
		err = kalias_init();
	if (!err)
		err = dune_init(0);
	if (err)
		return err;
	vpages_init(&kvm_vpages, 1, (const uint64_t *)vaddr_ptr(dune_mappings.pt.root),
		slot_reserve, NULL, options.vspace);
	dune_mappings.pt.table_free = table_unlinked;
	dune_hooks.call = kcall;
	dune_hooks.fault = on_fault;
	dune_hooks.replay = on_replay;
	dune_hooks.thread_start = on_thread_start;
	dune_hooks.thread_end = on_thread_end;
	dune_hooks.die = on_die;
	dune_hooks.fork_child = on_fork_child;
	kcall_fork_child();
	slot_init(0, sys_gettid(), epoch_join(&kvm_epochs, 0));
	kvm_slots[0].alone = true;
	epoch_wake(&kvm_epochs, kvm_slots[0].epoch);
	err = dune_enter();
	if (err)
		return err;
	panic_if(cpu_self()->slot, "kvm: the first thread has slot %lu", cpu_self()->slot);
	cpu_self()->local = &kvm_slots[0];
	sysheap_entered();
	return 0;
}
