/*
 * machine_model.h - vCPUs with TLBs, for tests that run the kvm backend in plain Linux.
 *
 * INVLPG and the reload of CR3 fault in user mode: the handler takes the translations out of the
 * model TLB of the vCPU that runs and steps over the instruction. A translation once used stays
 * until one of these takes it, as on the most forgetful-proof of processors; entries of 2 MB and
 * of 4 KB are kept apart. System calls that make the host flush all vCPUs are seen by the count
 * that quarantine.c keeps.
 */
#ifndef MACHINE_MODEL_H
#define MACHINE_MODEL_H

#include "unit.h"
#include "dune/page.h"
#include "kvm/state.h"
#include "base/options.h"
#include "findings/report.h"
#include "trace/stack.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#define CPUS	   4
#define TLB_PLACES 65536U

struct tlb_entry {
	vaddr_t va; /* of its first byte; 0: none */
	paddr_t pa;
};

struct tlb {
	struct tlb_entry small[TLB_PLACES], big[512];
	unsigned used;
};

struct dune_cpu machine_cpus[CPUS];
unsigned machine_now;
static struct tlb tlbs[CPUS];
static bool awake[CPUS];
static uint64_t forced_seen;

struct options options;

static unsigned long seed = 1;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

static struct tlb_entry *tlb_place(struct tlb_entry *e, unsigned n, vaddr_t va, unsigned shift)
{
	unsigned i = (unsigned)(va >> shift) % n;

	while (e[i].va && e[i].va != va)
		i = (i + 1) % n;
	return &e[i];
}

static void tlb_empty(unsigned cpu)
{
	memset(&tlbs[cpu], 0, sizeof(tlbs[cpu]));
}

/* 1 is what no alias has: the place stays in its chain. */
static void tlb_drop(unsigned cpu, vaddr_t va)
{
	struct tlb_entry *s, *b;

	s = tlb_place(tlbs[cpu].small, TLB_PLACES, va & PAGE_MASK, PAGE_SHIFT);
	b = tlb_place(tlbs[cpu].big, 512, ALIGN_DOWN(va, HUGE_SIZE), HUGE_SHIFT);
	if (s->va)
		s->va = 1;
	if (b->va)
		b->va = 1;
}

/* What vCPU cpu sees at va, or false: a page fault. Fills its TLB. */
static bool tlb_access(unsigned cpu, vaddr_t va, paddr_t *pa)
{
	struct tlb *t = &tlbs[cpu];
	struct tlb_entry *b = tlb_place(t->big, 512, ALIGN_DOWN(va, HUGE_SIZE), HUGE_SHIFT);
	struct tlb_entry *s = tlb_place(t->small, TLB_PLACES, va & PAGE_MASK, PAGE_SHIFT);
	struct pt_entry e;

	if (!b->va && !s->va) {
		if (!(pt_walk(&dune_mappings.pt, va, &e) & PTE_P))
			return false;
		if (++t->used > TLB_PLACES / 2) { /* a TLB may forget at any time */
			tlb_empty(cpu);
			t->used = 1;
		}
		if (e.level == 1)
			*s = (struct tlb_entry){va & PAGE_MASK, pte_addr(e.pte)};
		else
			*b = (struct tlb_entry){e.va, pte_addr(e.pte)};
	}
	*pa = b->va ? b->pa + (va - b->va) : s->pa + (va & (PAGE_SIZE - 1));
	return true;
}

/* The host flushed everybody meanwhile? */
static void tlb_forced(void)
{
	uint64_t flushes, forced;
	unsigned i;

	quarantine_counts(&flushes, &forced);
	if (forced == forced_seen)
		return;
	forced_seen = forced;
	for (i = 0; i < CPUS; i++)
		tlb_empty(i);
}

/* INVLPG (reg), MOV from and to CR3. */
static void on_privileged(int sig, siginfo_t *si, void *uc)
{
	static const int regs[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
		REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;
	const unsigned char *p = (const unsigned char *)r[REG_RIP], *start = p;
	unsigned reg = 0;

	if ((*p & 0xf0) == 0x40)
		reg = (*p++ & 1) * 8;
	reg += p[2] & 7;
	if (p[0] == 0x0f && (p[1] == 0x20 || p[1] == 0x22)) {
		if (p[1] == 0x22)
			tlb_empty(machine_now);
		p += 3;
	} else if (p[0] == 0x0f && p[1] == 0x01 && (p[2] & 0x38) == 0x38 && p[2] < 0x80) {
		bool sib = (p[2] & 7) == 4;
		long off = p[2] >= 0x40 ? (signed char)p[3 + sib] : 0;

		tlb_drop(machine_now, (vaddr_t)(r[regs[reg]] + off));
		p += 3 + sib + (p[2] >= 0x40);
	} else {
		signal(sig, SIG_DFL);
	}
	r[REG_RIP] += p - start;
}

static int reserve_nothing(void *ctx, vaddr_t lo)
{
	return 0;
}

static void windows_claim(vaddr_t lo, vaddr_t hi)
{
	for (lo &= ~(GIGA_SIZE - 1); lo < hi; lo += GIGA_SIZE)
		CHECK_EQ(mappings_window(&dune_mappings, lo), 0);
}

/* CPUS vCPUs awake, no alias, page tables of this very process. Once per program. */
static void machine_start(void (*table_free)(void *ctx, paddr_t table))
{
	struct sigaction sa = {.sa_sigaction = on_privileged, .sa_flags = SA_SIGINFO};
	unsigned i;

	sigaction(SIGSEGV, &sa, NULL);
	CHECK_EQ(setup_mappings(&dune_mappings, MAPPINGS_FULL), 0);
	vpages_init(&kvm_vpages, 1, (const uint64_t *)vaddr_ptr(dune_mappings.pt.root),
		reserve_nothing, NULL, 0);
	dune_mappings.pt.table_free = table_free;
	for (i = 0; i < CPUS; i++) {
		machine_cpus[i] = (struct dune_cpu){.slot = i, .local = &kvm_slots[i]};
		kvm_slots[i].cursor = GRAIN_PAGES;
		kvm_slots[i].tid = 100 + (int)i;
		kvm_slots[i].epoch = epoch_join(&kvm_epochs, i);
		epoch_wake(&kvm_epochs, kvm_slots[i].epoch);
		awake[i] = true;
	}
	kvm_entered = true;
}

/* Into a system call, or back from one, as kcall.c does it. */
static void machine_sleep_or_wake(unsigned cpu)
{
	struct epoch_cpu *e = kvm_slots[cpu].epoch;
	uint64_t token;

	awake[cpu] = !awake[cpu];
	if (!awake[cpu]) {
		epoch_sleep(e);
	} else if (epoch_wake(&kvm_epochs, e)) {
		token = epoch_flush_begin(&kvm_epochs);
		tlb_empty(cpu);
		epoch_flush_end(e, token);
	}
}

static bool machine_in_guest(unsigned cpu)
{
	return awake[cpu];
}

/* Can any vCPU that runs guest code still reach pa through va? */
static bool machine_shows(vaddr_t va, paddr_t pa)
{
	struct tlb_entry *s, *b;
	unsigned i;

	for (i = 0; i < CPUS; i++) {
		s = tlb_place(tlbs[i].small, TLB_PLACES, va & PAGE_MASK, PAGE_SHIFT);
		b = tlb_place(tlbs[i].big, 512, ALIGN_DOWN(va, HUGE_SIZE), HUGE_SHIFT);
		if (awake[i] && ((s->va && s->pa == (pa & PAGE_MASK)) ||
					(b->va && b->pa == ALIGN_DOWN(pa, HUGE_SIZE))))
			return true;
	}
	return false;
}

#endif
