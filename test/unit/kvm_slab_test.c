// sources: src/kvm/mmu_kvm.c src/kvm/quarantine.c src/kvm/epoch.c src/kvm/vpages.c
// sources: src/alias.c src/alias_short.c src/alias_free.c src/alias_paged.c src/alias_find.c src/alias_large.c
// sources: src/alias_sweep.c src/alias_clean.c src/alias_idle.c src/alias_settle.c
// sources: src/alias_view.c src/alias_super.c src/heap_chunk.c src/heap_class.c src/heap_row.c
// sources: src/alias_fork.c src/meta.c
// sources: src/memlimit.c src/record.c src/tcache.c src/vspace.c src/log.c src/options.c
// sources: src/dune/mappings.c src/dune/pagetable.c src/dune/window.c src/dune/procmap.c
// sources: src/dune/page.c src/panic.c src/out.c
// flags: -include test/unit/machine.h
/*
 * heap=slab on model vCPUs: the whole engine over mmu_kvm.c, this process's page tables, TLBs
 * that forget nothing. A stale pointer may show the dead block's own bytes on another vCPU for a
 * while, never a newer block's, and never anything on the vCPU that freed it.
 */
#include "machine_model.h"
#include "alias.h"
#include "altstack.h"
#include "mmu.h"
#include "stats.h"

#include <sys/mman.h>

#define BLOCKS	 3000
#define STEPS	 300000
#define GRANULES (GIGA_SIZE / 16)

struct made {
	vaddr_t va;
	uint32_t size;
	int killer; /* -1: alive */
};

static struct made *made; /* every block there ever was */
static uint32_t nmade, live[BLOCKS];
static uint32_t *owner; /* of each 16 bytes of canonical memory: who had them last */
static paddr_t base;
static uint64_t seen;

const struct mmu *mmu;
const struct heap_other *heap_other;
const char *mmu_why;
struct stats stats;

int mmu_choose(unsigned backend, const char **why)
{
	mmu = &mmu_kvm;
	return 0;
}

int kvm_enter(void)
{
	return 0;
}

int kvm_probe(const char **why)
{
	return 0;
}

void kalias_flush_all(void)
{
	tlb_empty(machine_now);
}

void kvm_exits_print(struct out *o)
{
}

uint32_t stack_capture(void *frame)
{
	return (uint32_t)(uintptr_t)frame;
}

void report_bad_free(void *p, const char *call, void *frame)
{
	abort();
}

void altstack_enter(void)
{
}

bool altstack_lend(stack_t *was)
{
	return false;
}

void altstack_return(const stack_t *was)
{
}

void options_init(void)
{
	options_default(&options);
}

static void table_held(void *ctx, paddr_t table)
{
	quarantine_put_table(table);
}

static void block_make(uint32_t i, size_t size)
{
	struct made *m = &made[++nmade];
	uint32_t g, was;
	paddr_t pa;

	*m = (struct made){.va = vaddr_of(alias_alloc(size, false, NULL)),
		.size = (uint32_t)size,
		.killer = -1};
	live[i] = nmade;
	tlb_forced();
	CHECK(pt_translate(&dune_mappings.pt, m->va, &pa));
	if (!base)
		base = ALIGN_DOWN(pa, HUGE_SIZE);
	CHECK(pa - base < GIGA_SIZE - size);
	for (g = 0; g < (size + 15) / 16; g++) {
		was = owner[(pa - base) / 16 + g];
		if (was && was != nmade) {
			seen++;
			CHECK(made[was].killer >= 0);
			CHECK(g || !machine_shows(made[was].va, pa));
		}
		owner[(pa - base) / 16 + g] = nmade;
	}
}

static void block_kill(uint32_t i)
{
	struct made *m = &made[live[i]];
	struct pt_entry e;
	paddr_t pa;

	m->killer = (int)machine_now;
	alias_free(vaddr_ptr(m->va));
	tlb_forced();
	CHECK(!tlb_access(machine_now, m->va, &pa));
	CHECK(!tlb_access(machine_now, m->va + m->size - 1, &pa));
	CHECK(pte_is_tombstone(pt_walk(&dune_mappings.pt, m->va, &e)));
}

static void use(uint32_t id)
{
	const struct made *m = &made[id];
	size_t at = rnd(m->size);
	paddr_t pa;

	if (!tlb_access(machine_now, m->va + at, &pa)) {
		CHECK(m->killer >= 0);
		return;
	}
	CHECK(m->killer != (int)machine_now);
	CHECK_EQ(owner[(pa - base) / 16], id);
}

static void start(void)
{
	vaddr_t at;

	made = calloc(STEPS * 2, sizeof(*made));
	owner = mmap(NULL, GRANULES * 4, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	machine_start(table_held);
	/* The next mappings go below the lowest one so far. */
	at = vaddr_of(mmap(
		NULL, GIGA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	munmap(vaddr_ptr(at), GIGA_SIZE);
	windows_claim(at - 12 * GIGA_SIZE, at + 2 * GIGA_SIZE);
}

static size_t some_size(void)
{
	return rnd(40) ? 1 + rnd(400) : 1 + rnd(rnd(10) ? 9000 : 200000);
}

/* Random work on vCPUs [0, cpus); some are in a system call now and then. */
static void work(unsigned cpus, unsigned long steps)
{
	uint32_t i;

	while (steps--) {
		i = rnd(BLOCKS);
		machine_now = rnd(cpus);
		if (rnd(100) == 0)
			machine_sleep_or_wake(machine_now);
		if (!machine_in_guest(machine_now))
			continue;
		if (rnd(2) == 0) {
			if (nmade) /* a recent one: many of them are dead */
				use(nmade - rnd(MIN(nmade, 4U * BLOCKS)));
		} else if (live[i] && made[live[i]].killer < 0) {
			block_kill(i);
		} else {
			block_make(i, some_size());
		}
	}
}

static void all_awake(void)
{
	unsigned i;

	for (i = 0; i < CPUS; i++)
		if (!awake[i])
			machine_sleep_or_wake(i);
}

static void random_blocks(void)
{
	work(CPUS, STEPS);
	/* It was about reuse: most bytes were handed out more than once. */
	CHECK(seen > STEPS);
	CHECK_EQ(forced_seen, 0);
}

/* One vCPU computes and never passes by: the others do not wait for it for ever. */
static void one_never_comes_by(void)
{
	uint32_t i;
	uint64_t was = seen;
	paddr_t pa;

	all_awake();
	machine_now = CPUS - 1;
	for (i = 1; i <= nmade; i++)
		tlb_access(machine_now, made[i].va, &pa);
	for (i = 0; i < 24000; i++) {
		machine_now = i % (CPUS - 1);
		if (live[i % BLOCKS] && made[live[i % BLOCKS]].killer < 0)
			block_kill(i % BLOCKS);
		else
			block_make(i % BLOCKS, 3000);
		if (i % 8 == 0) {
			machine_now = CPUS - 1;
			use(nmade - rnd(MIN(nmade, BLOCKS)));
		}
	}
	CHECK(forced_seen > 0);
	CHECK(seen > was);
	CHECK(heap_bytes() < 256UL << 20);
}

static void large_blocks(void)
{
	size_t size = 5UL << 20, i;
	vaddr_t va;
	struct pt_entry e;
	paddr_t pa;

	all_awake();
	machine_now = 2;
	va = vaddr_of(alias_alloc(size, false, NULL));
	for (i = 0; i < size; i += PAGE_SIZE)
		CHECK(tlb_access(2, va + i, &pa));
	alias_free(vaddr_ptr(va));
	for (i = 0; i < size; i += PAGE_SIZE) {
		CHECK(!tlb_access(2, va + i, &pa));
		CHECK(pte_is_tombstone(pt_walk(&dune_mappings.pt, va + i, &e)));
	}
}

int main(void)
{
	start();
	RUN(random_blocks);
	RUN(one_never_comes_by);
	RUN(large_blocks);
	return UNIT_END();
}
