// sources: src/kvm/state.c src/kvm/kcall.c src/kvm/translate.c src/base/calls.c src/kvm/epoch.c src/kvm/vpages.c
// sources: src/dune/mappings.c src/dune/pagetable.c src/dune/window.c src/dune/procmap.c
// sources: src/dune/page.c src/base/panic.c src/base/out.c
/*
 * A system call on its way through the vmm: the vCPU is asleep meanwhile and flushes when it comes
 * back; live aliases become canonical addresses, a dead one is a finding and no call.
 */
#include "unit.h"
#include "dune/hooks.h"
#include "dune/page.h"
#include "dune/signal.h"
#include "kvm/state.h"
#include "kvm/translate.h"

#include <errno.h>
#include <sys/syscall.h>

#define ALIAS (32UL << VPAGES_SLOT_SHIFT)

static struct thread t, other;
static struct kvm_run run;
static struct epoch_cpu *mine, *others;
static char buffer[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static long issued, answer, told;
static uint64_t stamp;
static long seen_args[6];

long dune_call_issue(struct dune_call *c)
{
	issued++;
	memcpy(seen_args, c->a, sizeof(seen_args));
	/* Others kill while this one sleeps, and need not wait for it. */
	if (stamp) {
		stamp = epoch_stamp(&kvm_epochs);
		epoch_flush_end(others, epoch_flush_begin(&kvm_epochs));
		CHECK(epoch_safe(&kvm_epochs) >= stamp);
	}
	return answer;
}

void signal_call(struct thread *th, const siginfo_t *si, uint64_t handler)
{
	told++;
	CHECK_EQ(vaddr_of(si->si_addr), ALIAS + PAGE_SIZE + 5);
	CHECK_EQ(si->si_addr_lsb, 2);
	CHECK_EQ(si->si_errno, SYS_write);
}

void kvm_dead_argument(int sig, siginfo_t *si, void *ucontext)
{
	abort();
}

void robust_release(struct thread *th)
{
}

long user_copy(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
	return 0;
}

static long call(long nr, uint64_t a, uint64_t b, uint64_t c)
{
	struct dune_call d = {.nr = nr, .a = {(long)a, (long)b, (long)c}, .t = &t};

	issued = told = 0;
	t.flush = false;
	epoch_flush_end(mine, epoch_flush_begin(&kvm_epochs));
	return kcall(&d);
}

static void aliases_become_canonical(void)
{
	answer = 7;
	CHECK_EQ(call(SYS_write, 1, ALIAS + 5, 7), 7);
	CHECK_EQ(issued, 1);
	CHECK_EQ(seen_args[1], vaddr_of(buffer) + 5);
	CHECK_EQ(seen_args[0], 1);
	/* A value is none, whatever it looks like. */
	call(SYS_lseek, 1, ALIAS + 5, 0);
	CHECK_EQ(seen_args[1], ALIAS + 5);
}

static void a_dead_one_is_a_finding(void)
{
	call(SYS_write, 1, ALIAS + PAGE_SIZE + 5, 7);
	CHECK_EQ(issued, 0);
	CHECK_EQ(told, 1);
}

static void asleep_it_keeps_nobody_waiting(void)
{
	stamp = 0;
	call(SYS_getppid, 0, 0, 0);
	CHECK(!t.flush);
	stamp = 1;
	call(SYS_getppid, 0, 0, 0);
	CHECK(t.flush);
	CHECK(epoch_safe(&kvm_epochs) >= stamp);
	/* Awake again, it is waited for. */
	CHECK_EQ(mine->state, EPOCH_AWAKE);
}

/* A signal frame is built before the flush: until then nothing counts as flushed. */
static void a_signal_comes_first(void)
{
	stamp = 1;
	t.has_sig = 1;
	call(SYS_getppid, 0, 0, 0);
	CHECK(t.flush);
	CHECK(epoch_safe(&kvm_epochs) < stamp);
	t.has_sig = 0;
	answer = HOST_RESTART;
	CHECK_EQ(call(SYS_getppid, 0, 0, 0), HOST_RESTART);
	CHECK(t.flush);
	CHECK(epoch_safe(&kvm_epochs) < stamp);
	answer = 0;
}

int main(void)
{
	paddr_t pa;

	t.run = &run;
	t.index = 0;
	other.index = 1;
	mine = epoch_join(&kvm_epochs, 0);
	others = epoch_join(&kvm_epochs, 1);
	epoch_wake(&kvm_epochs, mine);
	epoch_wake(&kvm_epochs, others);
	CHECK_EQ(setup_mappings(&dune_mappings, MAPPINGS_FULL), 0);
	CHECK_EQ(mappings_window(&dune_mappings, vaddr_of(buffer)), 0);
	pa = window_va_to_pa(&dune_mappings.windows, vaddr_of(buffer));
	kvm_vpages.taken[0] = 1UL << 32;
	CHECK_EQ(pt_map(&dune_mappings.pt, ALIAS, ALIAS + PAGE_SIZE, pa, PTE_DATA), 0);
	CHECK_EQ(pt_unmap(&dune_mappings.pt, ALIAS + PAGE_SIZE, ALIAS + 2 * PAGE_SIZE,
			 pte_tombstone(0)),
		0);
	RUN(aliases_become_canonical);
	RUN(a_dead_one_is_a_finding);
	RUN(asleep_it_keeps_nobody_waiting);
	RUN(a_signal_comes_first);
	return UNIT_END();
}
