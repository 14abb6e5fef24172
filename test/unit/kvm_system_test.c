// sources: src/kvm/state.c src/kvm/kalias.c src/kvm/grain.c src/kvm/quarantine.c src/kvm/epoch.c src/kvm/vpages.c
// sources: src/kvm/sysheap.c src/dune/mappings.c src/dune/pagetable.c src/dune/window.c
// sources: src/dune/procmap.c src/dune/page.c src/base/meta.c src/base/panic.c src/base/out.c src/base/memlimit.c src/base/file.c src/base/block.c
// flags: -include test/unit/machine.h
/*
 * The heap of the kvm backend on model vCPUs: its own code, this process's page tables, TLBs that
 * forget nothing. Random blocks are made, used and freed by any of them, against a flat list of
 * what must be.
 */
#include "machine_model.h"

#include <malloc.h>

#define BLOCKS 3000
#define STEPS  400000

static struct block_model {
	vaddr_t va;
	vaddr_t canon;
	size_t size;
	enum { NONE, LIVE, DEAD, BACK } state;
	int maker, killer;
} blocks[BLOCKS];

static unsigned long killed, given;
static unsigned unlisted; /* freed by other tests than random_blocks, and waiting */
static sigjmp_buf refused;

void kvm_stats(struct out *o)
{
}

uint32_t stack_capture(void *frame)
{
	return (uint32_t)(uintptr_t)frame;
}

void report_bad_free(void *p, const char *call, void *frame)
{
	siglongjmp(refused, 1);
}

static void table_held(void *ctx, paddr_t table)
{
	quarantine_put_table(table);
}

static size_t pages_of(const struct block_model *b)
{
	return ((b->va & (PAGE_SIZE - 1)) + b->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Nobody may see it any more when its bytes go back to the next malloc. */
static void on_give(void *canon)
{
	struct block_model *b = NULL;
	size_t i;

	tlb_forced();
	for (i = 0; i < BLOCKS && !b; i++)
		if (blocks[i].state == DEAD && blocks[i].canon == vaddr_of(canon))
			b = &blocks[i];
	if (!b) {
		CHECK(unlisted > 0);
		unlisted--;
		free(canon);
		return;
	}
	for (i = 0; i < pages_of(b); i++)
		CHECK(!machine_shows(b->va + i * PAGE_SIZE,
			window_va_to_pa(&dune_mappings.windows, b->canon + i * PAGE_SIZE)));
	b->state = BACK;
	given++;
	free(canon);
}

static vaddr_t canon_of(vaddr_t va)
{
	paddr_t pa = 0;

	CHECK(pt_translate(&dune_mappings.pt, va, &pa));
	return window_pa_to_va(&dune_mappings.windows, pa);
}

static void block_make(struct block_model *b, size_t size)
{
	size_t i;

	b->size = size;
	b->va = vaddr_of(options.stacks
				 ? kvm_heap->alloc(size, 1, false, vaddr_ptr(0x100 + size))
				 : kvm_heap->malloc(size)); /* the short way knows no frame */
	b->canon = canon_of(b->va);
	b->state = LIVE;
	b->maker = (int)machine_now;
	b->killer = -1;
	CHECK(b->canon != b->va && malloc_usable_size(vaddr_ptr(b->canon)) >= size);
	for (i = 1; i < pages_of(b); i++)
		CHECK_EQ(canon_of((b->va & PAGE_MASK) + i * PAGE_SIZE),
			(b->canon & PAGE_MASK) + i * PAGE_SIZE);
}

static void block_kill(struct block_model *b)
{
	struct pt_entry e;
	paddr_t pa;
	size_t i;

	b->state = DEAD;
	b->killer = (int)machine_now;
	killed++;
	if (options.stacks)
		kvm_heap->free_as(vaddr_ptr(b->va), "free", vaddr_ptr(0x200 + b->size));
	else
		kvm_heap->free(vaddr_ptr(b->va));
	for (i = 0; i < pages_of(b); i++) {
		vaddr_t va = b->va + i * PAGE_SIZE;

		/* Here it is dead now, and it says of whom. */
		CHECK(!tlb_access(machine_now, va, &pa));
		CHECK(pte_is_tombstone(pt_walk(&dune_mappings.pt, va, &e)));
		CHECK_EQ(pte_payload(e.pte), e.level == 1 && pages_of(b) <= 64
						     ? b->va >> PAGE_SHIFT
						     : pte_payload(e.pte));
	}
}

/* What any address of it must be known as. */
static void known(const struct block_model *b, size_t at, bool records)
{
	struct block k;

	block_find(b->va + at, &k);
	CHECK_EQ(k.state, b->state == LIVE ? BLOCK_LIVE : BLOCK_DEAD);
	if (!records && !k.base)
		return;
	CHECK_EQ(k.base, b->va);
	CHECK_EQ(k.size, b->size);
	CHECK_EQ(k.alloc_stack, options.stacks ? 0x100 + b->size : 0);
	CHECK_EQ(k.alloc_tid, options.stacks ? 100 + b->maker : 0);
	if (b->state == LIVE)
		return;
	CHECK_EQ(k.free_stack, options.stacks ? 0x200 + b->size : 0);
	CHECK_EQ(k.free_tid, options.stacks ? 100 + b->killer : 0);
}

static void use(const struct block_model *b, size_t at)
{
	paddr_t pa;

	if (!tlb_access(machine_now, b->va + at, &pa)) {
		CHECK(b->state != LIVE);
		return;
	}
	/* Alive; or dead, not yet given back, and not by whom it was killed. */
	CHECK_EQ(window_pa_to_va(&dune_mappings.windows, pa), b->canon + at);
	CHECK(b->state == LIVE || (b->state == DEAD && b->killer != (int)machine_now));
}

static size_t some_size(void)
{
	return rnd(50) ? 1 + rnd(400) : 1 + rnd(rnd(4) ? 20000 : 500000);
}

static bool no_other(const void *p, size_t *size)
{
	return false;
}

static void start(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30); /* all in the brk heap: in windows that are there */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	options.stacks = true;
	machine_start(table_held);
	CHECK_EQ(grain_init(), 0);
	CHECK_EQ(kalias_init(), 0);
	windows_claim(vaddr_of(sbrk(0)), vaddr_of(sbrk(0)) + GIGA_SIZE);
	sysheap_begin(no_other);
	kvm_heap->malloc(1); /* finds the next malloc */
	quarantine_give = on_give;
}

/* b and its neighbours are read: now and then so many that all of this vCPU's TLB is stale soon. */
static void look_around(const struct block_model *b, unsigned n)
{
	for (; n-- && b < blocks + BLOCKS; b++)
		if (b->state != NONE)
			use(b, rnd((unsigned)b->size));
}

static void random_blocks(void)
{
	unsigned long i;

	given = killed = 0;

	for (i = 0; i < STEPS; i++) {
		struct block_model *b = &blocks[rnd(BLOCKS)];

		machine_now = rnd(CPUS);
		if (rnd(40) == 0)
			machine_sleep_or_wake(machine_now);
		if (!machine_in_guest(machine_now))
			continue;
		if (rnd(3) == 0) {
			look_around(b, rnd(30) ? 1 : 300);
		} else if (b->state == LIVE) {
			block_kill(b);
			known(b, rnd((unsigned)b->size), true);
		} else if (b->state != DEAD) {
			block_make(b, some_size());
			known(b, rnd((unsigned)b->size), true);
		}
	}
	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].state != NONE)
			known(&blocks[i], 0, blocks[i].state == LIVE);
	CHECK(given * 2 > killed);
	CHECK(killed > STEPS / 10);
}

/* One vCPU computes and never passes by: the others do not wait for it for ever. */
static void one_never_comes_by(void)
{
	unsigned i;
	uint64_t was;

	for (i = 0; i < CPUS; i++)
		if (!awake[i])
			machine_sleep_or_wake(i);
	tlb_forced();
	was = forced_seen;
	for (i = 0; i < 3 * BLOCKS; i++) {
		struct block_model *b = &blocks[i % BLOCKS];

		machine_now = CPUS - 1;
		look_around(b, 3);
		machine_now = i % (CPUS - 1);
		if (b->state == LIVE)
			block_kill(b);
		else if (b->state != DEAD)
			block_make(b, 200000);
		/* However few of those were free: what waits adds up to more than may wait. */
		if (i % 8 == 0) {
			unlisted++;
			kvm_heap->free(kvm_heap->malloc(200000));
		}
	}
	tlb_forced();
	CHECK(forced_seen > was);
}

static void grains_have_one_owner(void)
{
	vaddr_t grain[64];
	int i;

	for (i = 0; i < CPUS; i++)
		if (!awake[i])
			machine_sleep_or_wake((unsigned)i);
	for (i = 0; i < 64; i++) {
		machine_now = (unsigned)i % CPUS;
		grain[i] = vaddr_of(kvm_heap->malloc(40)) >> HUGE_SHIFT;
	}
	for (i = 0; i < 64; i++)
		for (int j = 0; j < 64; j++)
			CHECK(i % CPUS == j % CPUS || grain[i] != grain[j]);
}

static void twice_is_refused(void)
{
	void *p = kvm_heap->malloc(100);
	volatile int refusals = 0;

	unlisted++;
	kvm_heap->free(p);
	for (machine_now = 0; machine_now < CPUS; machine_now++) {
		if (sigsetjmp(refused, 1))
			refusals++;
		else
			kvm_heap->free(p);
	}
	machine_now = 0;
	if (sigsetjmp(refused, 1))
		refusals++;
	else
		kvm_heap->free((char *)kvm_heap->malloc(100) + 16);
	CHECK_EQ(refusals, CPUS + 1);
}

/* A large block that grows keeps its bytes by moving entries; the old addresses are dead. */
static void realloc_moves_entries(void)
{
	size_t size = 3UL << 20, i;
	vaddr_t va, to, canon;
	uint64_t dead;
	paddr_t pa;

	machine_now = 1;
	unlisted++;
	va = vaddr_of(kvm_heap->malloc(size));
	canon = canon_of(va);
	for (i = 0; i < size; i += PAGE_SIZE)
		*(uint64_t *)vaddr_ptr(canon + i) = i;
	kvm_heap->free(kvm_heap->malloc(size));
	for (i = 0; i < size; i += PAGE_SIZE)
		CHECK(tlb_access(1, va + i, &pa));
	dead = kvm_slots[1].frees;
	to = vaddr_of(kvm_heap->realloc(vaddr_ptr(va), 2 * size, NULL));
	CHECK_EQ(kvm_slots[1].frees, dead + 1);
	tlb_forced();
	CHECK(to != va);
	for (i = 0; i < size; i += PAGE_SIZE) {
		CHECK(!tlb_access(1, va + i, &pa));
		CHECK(tlb_access(1, to + i, &pa));
		CHECK_EQ(*(uint64_t *)vaddr_ptr(window_pa_to_va(&dune_mappings.windows, pa)), i);
	}
	for (; i < 2 * size; i += PAGE_SIZE)
		CHECK(tlb_access(1, to + i, &pa));
}

/* From here on the table of functions that a process without stacks has: the way in line. */
static void stacks_off(void)
{
	const struct kvm_heap *with = kvm_heap;

	options.stacks = false;
	sysheap_entered();
	CHECK(kvm_heap->malloc != with->malloc && kvm_heap->free != with->free);
}

static void give_and_count(void *canon)
{
	size_t i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].state == DEAD && blocks[i].canon == vaddr_of(canon))
			blocks[i].state = BACK;
	given++;
	free(canon);
}

/* One vCPU is left: once nothing waits, blocks go back at once; until others join. */
static void alone_gives_at_once(void)
{
	unsigned i;

	quarantine_give = give_and_count;
	machine_now = 0;
	for (i = 1; i < CPUS; i++)
		epoch_leave(&kvm_epochs, &kvm_epochs.cpu[i]);
	for (i = 0; i < 600 && !kvm_slots[0].alone; i++)
		kvm_heap->free(kvm_heap->malloc(100));
	CHECK(kvm_slots[0].alone && !kvm_slots[0].held);
	given = 0;
	for (i = 0; i < 2000; i++)
		kvm_heap->free(kvm_heap->malloc(100));
	CHECK_EQ(given, 2000);
	for (i = 1; i < CPUS; i++) {
		epoch_join(&kvm_epochs, i);
		epoch_wake(&kvm_epochs, kvm_slots[i].epoch);
		tlb_empty(i);
		epoch_flush_end(kvm_slots[i].epoch, epoch_flush_begin(&kvm_epochs));
	}
	quarantine_joined();
	CHECK(!kvm_slots[0].alone);
	quarantine_give = on_give;
}

static void all(void)
{
	RUN(random_blocks);
	RUN(one_never_comes_by);
	RUN(grains_have_one_owner);
	RUN(twice_is_refused);
	RUN(realloc_moves_entries);
}

int main(void)
{
	start();
	all();
	RUN(stacks_off);
	all();
	RUN(alone_gives_at_once);
	RUN(random_blocks);
	return UNIT_END();
}
