// sources: src/dune/mappings.c src/dune/pagetable.c src/dune/window.c
// sources: src/dune/procmap.c src/dune/page.c src/base/panic.c src/base/out.c
/* The page tables of this very process, built in plain Linux: both forms, faults, changes. */
#include "unit.h"
#include "dune/mappings.h"
#include "dune/page.h"
#include "dune/procmap.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define F_WRITE 2UL
#define F_FETCH 16UL
#define G	GIGA_SIZE
#define K	PAGE_SIZE

static struct mappings full, precise, broken;
static unsigned slots[WINDOW_GPAS];

static int add_slot(const struct window *win)
{
	struct pt_entry e;

	/* The slot comes first, then the entries. */
	if (win->hva != PAGEBASE && !slots[win->index])
		CHECK_EQ(pt_walk(&full.pt, win->hva, &e), 0);
	slots[win->index]++;
	return 0;
}

static int no_slot(const struct window *win)
{
	return win->hva == PAGEBASE ? 0 : -ENOSPC;
}

static bool skipped(const struct procmap_row *row)
{
	return !row->prot || row->start >= WINDOW_TASK_SIZE || page_owns(row->start);
}

static int full_row(const struct procmap_row *row, void *arg)
{
	struct pt_entry e;
	paddr_t pa;

	if (skipped(row))
		return 0;
	CHECK(pt_translate(&full.pt, row->start, &pa));
	CHECK_EQ(pa, window_va_to_pa(&full.windows, row->start));
	CHECK_EQ(window_pa_to_va(&full.windows, pa), row->start);
	CHECK_EQ(pt_walk(&full.pt, row->end - 1, &e) & ~PTE_ADDR_MASK & ~PTE_PS, PTE_DATA);
	return 0;
}

static void full_form(void)
{
	struct pt_entry e;
	unsigned n = 0;
	paddr_t pa;

	full.on_window = add_slot;
	CHECK_EQ(setup_mappings(&full, MAPPINGS_FULL), 0);
	CHECK_EQ(procmap_each(full_row, NULL), 0);
	/* The tables themselves, and all of the pool, at VA = GPA. */
	CHECK(full.pt.root > PAGEBASE && page_owns(full.pt.root));
	CHECK(pt_translate(&full.pt, full.pt.root, &pa) && pa == full.pt.root);
	CHECK(pt_translate(&full.pt, page_pool_top() - 1, &pa) && pa == page_pool_top() - 1);
	for (unsigned i = 0; i < WINDOW_GPAS; i++) {
		CHECK(slots[i] <= 1);
		n += slots[i];
	}
	CHECK_EQ(n, full.windows.claimed);
	CHECK(n >= 3 && n < 16);
	CHECK_EQ(pt_walk(&full.pt, 0x300000000000, &e), 0);
	CHECK_EQ(slots[511], 1); /* the stack */
	CHECK_EQ(window_va_to_pa(&full.windows, vaddr_of(&n)) >> 30, 511);
	CHECK_EQ(mappings_replay(&full), 0);
	CHECK_EQ(slots[511], 2);
}

static void vsyscall_page(void)
{
	uint8_t *code = mmap(NULL, K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long (*fn)(long *, long *, long *);
	struct procmap_row row;
	unsigned cpu = ~0u;
	struct pt_entry e;
	long tv[2] = {0}, before, t;

	if (procmap_find(VSYSCALL_ADDR, &row))
		return; /* vsyscall=none */
	CHECK_EQ(pt_walk(&full.pt, VSYSCALL_ADDR, &e) & ~PTE_ADDR_MASK, PTE_CODE);
	memcpy(code, vaddr_ptr(pte_addr(e.pte)), K);
	mprotect(code, K, PROT_READ | PROT_EXEC);
	memcpy(&fn, &(void *){code}, sizeof(fn));
	before = time(NULL); /* which may lag behind gettimeofday */
	CHECK_EQ(fn(tv, NULL, NULL), 0);
	CHECK(before <= tv[0] && tv[0] <= time(NULL) + 1);
	memcpy(&fn, &(void *){code + 0x400}, sizeof(fn));
	before = time(NULL);
	t = fn(NULL, NULL, NULL);
	CHECK(before <= t && t <= time(NULL) + 1);
	memcpy(&fn, &(void *){code + 0x800}, sizeof(fn));
	CHECK_EQ(fn((long *)&cpu, NULL, NULL), 0);
	CHECK(cpu < 4096);
	munmap(code, K);
}

static int twice(int x)
{
	return 2 * x;
}

static void execute_on_fetch(void)
{
	vaddr_t code = vaddr_of((void *)(uintptr_t)twice), lo;
	struct procmap_row row;
	struct pt_entry e;
	char *p = mmap(NULL, 4 * K, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(mappings_fault(&full, code, F_FETCH | 1), 0);
	CHECK_EQ(procmap_find(code, &row), 0);
	CHECK_EQ(pt_walk(&full.pt, row.start, &e) & PTE_NX, 0);
	CHECK_EQ(pt_walk(&full.pt, row.end - 1, &e) & PTE_NX, 0);
	CHECK_EQ(pt_walk(&full.pt, row.end, &e) & PTE_NX, PTE_NX);
	CHECK_EQ(pt_walk(&full.pt, row.start - 1, &e) & PTE_NX, PTE_NX);
	/* Data is no code; nor is the pool. */
	CHECK_EQ(mappings_fault(&full, vaddr_of(&full), F_FETCH | 1), -EFAULT);
	CHECK_EQ(mappings_fault(&full, PAGEBASE, F_FETCH | 1), -EFAULT);
	CHECK_EQ(mappings_fault(&full, code, 1), 0); /* another thread was faster */
	/* mprotect: not changed, then changed in the middle only. */
	lo = vaddr_of(p);
	CHECK(!mappings_changed(&full, lo, lo + 4 * K));
	CHECK_EQ(mappings_fault(&full, lo, F_FETCH | 1), 0);
	CHECK(mappings_changed(&full, lo + K, lo + 2 * K));
	CHECK(!mappings_changed(&full, lo + K, lo + 2 * K));
	CHECK_EQ(pt_walk(&full.pt, lo, &e) & PTE_NX, 0);
	CHECK_EQ(pt_walk(&full.pt, lo + K, &e) & PTE_NX, PTE_NX);
	CHECK_EQ(pt_walk(&full.pt, lo + 2 * K, &e) & PTE_NX, 0);
	munmap(p, 4 * K);
	CHECK(mappings_changed(&full, lo, lo + 4 * K));
	CHECK_EQ(mappings_fault(&full, lo, F_FETCH | 1), -EFAULT);
}

static void new_windows(void)
{
	vaddr_t far = 0x234567800000, none = 0x300000000000;
	struct pt_entry e;
	paddr_t pa;
	void *p = mmap(vaddr_ptr(far), K, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(p == vaddr_ptr(far));
	CHECK_EQ(pt_walk(&full.pt, far, &e), 0);
	CHECK_EQ(mappings_fault(&full, far + 5, F_WRITE), 0);
	CHECK(pt_translate(&full.pt, far + 5, &pa));
	CHECK_EQ(pa, window_va_to_pa(&full.windows, far + 5));
	CHECK_EQ(slots[pa >> 30], 1);
	munmap(p, K);
	/* Nothing there, or reserved only: no window is spent on it. */
	p = mmap(vaddr_ptr(none), K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		-1, 0);
	CHECK(p == vaddr_ptr(none));
	CHECK_EQ(mappings_fault(&full, none, 0), -EFAULT);
	CHECK_EQ(mappings_fault(&full, none + G, 0), -EFAULT);
	CHECK_EQ(pt_walk(&full.pt, none, &e), 0);
	CHECK_EQ(mappings_fault(&full, ~0UL, 0), -EFAULT);
	munmap(p, K);
}

static void alias_by_hand(void)
{
	char *block = malloc(100);
	vaddr_t va = vaddr_of(block), alias = 0x100000000000 + (va & (K - 1));
	paddr_t pa;

	block[0] = 0;
	CHECK_EQ(mappings_fault(&full, va, F_WRITE), 0); /* a heap far from its image spills */
	CHECK_EQ(pt_map(&full.pt, ALIGN_DOWN(alias, K), ALIGN_DOWN(alias, K) + K,
			 ALIGN_DOWN(window_va_to_pa(&full.windows, va), K), PTE_DATA),
		0);
	CHECK(pt_translate(&full.pt, alias, &pa));
	CHECK_EQ(window_pa_to_va(&full.windows, pa), va);
	CHECK_EQ(mappings_fault(&full, alias, F_FETCH | 1), -EFAULT);
	CHECK_EQ(pt_unmap(&full.pt, ALIGN_DOWN(alias, K), ALIGN_DOWN(alias, K) + K,
			 pte_tombstone(77)),
		0);
	CHECK_EQ(mappings_fault(&full, alias, 0), -EFAULT);
	free(block);
	/* Dead stays dead, even where the host has something. */
	block = mmap(NULL, K, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	va = vaddr_of(block);
	CHECK_EQ(mappings_fault(&full, va, 0), 0);
	CHECK_EQ(pt_unmap(&full.pt, va, va + K, pte_tombstone(0)), 0);
	CHECK_EQ(mappings_fault(&full, va, 0), -EFAULT);
	munmap(block, K);
}

static size_t listed;

static int precise_row(const struct procmap_row *row, void *arg)
{
	pte_t want = row->prot & PROT_WRITE ? PTE_DATA : PTE_READ;
	struct pt_entry e;
	size_t bad = 0;
	paddr_t pa;

	if (row->start >= WINDOW_TASK_SIZE || page_owns(row->start))
		return 0;
	if (row->prot & PROT_EXEC)
		want &= ~PTE_NX;
	for (vaddr_t va = row->start; va < row->end && va < row->start + G; va += K) {
		pte_t pte = pt_walk(&precise.pt, va, &e);

		if (!row->prot) {
			bad += pte != 0;
			continue;
		}
		listed += e.va == va || va == row->start ? pt_size(e.level) : 0;
		bad += (pte & ~PTE_ADDR_MASK & ~PTE_PS) != want;
		bad += !pt_translate(&precise.pt, va, &pa) ||
		       pa != window_va_to_pa(&precise.windows, va);
	}
	if (bad)
		printf("# %lx-%lx %s: %zu pages wrong\n", row->start, row->end, row->name, bad);
	CHECK_EQ(bad, 0);
	return 0;
}

static int add_up(const struct pt_entry *e, void *arg)
{
	if (!page_owns(e->va))
		*(size_t *)arg += pt_size(e->level);
	return 0;
}

static void precise_form(void)
{
	char *p, *none = mmap(NULL, 8 * K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t mapped = 0, tables;
	struct pt_entry e;
	paddr_t pa;

	CHECK_EQ(setup_mappings(&precise, MAPPINGS_PRECISE), 0);
	CHECK_EQ(procmap_each(precise_row, NULL), 0);
	/* Nothing but what is listed. */
	pt_visit(&precise.pt, 0, 1UL << 47, add_up, &mapped);
	CHECK_EQ(mapped, listed);
	CHECK(pt_translate(&precise.pt, precise.pt.root, &pa) && pa == precise.pt.root);
	CHECK_EQ(pt_walk(&precise.pt, vaddr_of(none), &e), 0);
	/* A new mapping appears at its first fault, changes, and goes. */
	p = mmap(NULL, 4 * K, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mappings_changed(&precise, vaddr_of(p), vaddr_of(p) + 4 * K);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p), F_WRITE), -EFAULT);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p), 0), 0);
	CHECK_EQ(pt_walk(&precise.pt, vaddr_of(p) + 3 * K, &e) & ~PTE_ADDR_MASK, PTE_READ);
	mprotect(p, K, PROT_READ | PROT_WRITE);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p) + K, F_WRITE | 1), -EFAULT);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p), F_WRITE | 1), 0);
	CHECK_EQ(pt_walk(&precise.pt, vaddr_of(p), &e) & ~PTE_ADDR_MASK, PTE_DATA);
	munmap(p, 2 * K);
	tables = precise.pt.tables;
	CHECK(mappings_changed(&precise, vaddr_of(p), vaddr_of(p) + 2 * K));
	CHECK_EQ(precise.pt.tables, tables); /* none lost its last entry */
	CHECK_EQ(pt_walk(&precise.pt, vaddr_of(p), &e), 0);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p), 0), -EFAULT);
	CHECK_EQ(pt_walk(&precise.pt, vaddr_of(p) + 2 * K, &e) & ~PTE_ADDR_MASK, PTE_READ);
	munmap(p, 4 * K);
	munmap(none, 8 * K);
	/* The tables of a range that goes may still be walked: nobody gets their pages. */
	p = mmap(vaddr_ptr(0x260000000000), K, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
	CHECK_EQ(mappings_fault(&precise, vaddr_of(p), 0), 0);
	pt_walk(&precise.pt, vaddr_of(p), &e);
	munmap(p, K);
	tables = precise.pt.tables;
	CHECK(mappings_changed(&precise, vaddr_of(p), vaddr_of(p) + K));
	CHECK_EQ(tables - precise.pt.tables, 3);
	CHECK_EQ(page_refs(vaddr_ptr(vaddr_of(e.slot) & PAGE_MASK)), 1);
}

/*
 * Threads that fault on new windows at once, fetch code, and change the host's permissions:
 * whatever the order, nothing stays executable that the host does not execute.
 */
#define AREAS  12
#define ROUNDS 240 /* the first 40 in new windows */

static struct mappings busy;
static vaddr_t area[AREAS];
static unsigned late[WINDOW_GPAS];
static int wrong;

static int slow_slot(const struct window *win)
{
	__atomic_fetch_add(&late[win->index], 1, __ATOMIC_RELAXED);
	sched_yield();
	return 0;
}

static void *meddler(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg * 77 + 1;

	for (int i = 0; i < 150; i++) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		unsigned n = (seed >> 33) % AREAS;
		vaddr_t va = area[n] + (seed >> 45) % 8 * K;
		int r;

		/* Each area has one thread that changes it: the host's last word is known. */
		if (n % 3 == (uintptr_t)arg && seed >> 60 < 6) {
			mprotect(vaddr_ptr(area[n]), 8 * K,
				PROT_READ | (seed >> 59 & 1 ? PROT_EXEC : 0));
			mappings_changed(&busy, area[n], area[n] + 8 * K);
			continue;
		}
		r = mappings_fault(&busy, va, seed >> 60 & 1 ? F_FETCH : 0);
		if (r && r != -EFAULT)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void threads_fault_at_once(void)
{
	struct procmap_row row;
	unsigned executable = 0;
	struct pt_entry e;
	pthread_t t[3];

	busy.on_window = slow_slot;
	CHECK_EQ(setup_mappings(&busy, MAPPINGS_FULL), 0);
	for (int round = 0; round < ROUNDS && !unit_failed_checks; round++) {
		for (vaddr_t i = 0; i < AREAS; i++) {
			area[i] = 0x280000000000 + ((vaddr_t)(round % 40) * 4 + i / 3) * G +
				  (round / 40 * 64 + i % 3 * 16) * K;
			CHECK(mmap(vaddr_ptr(area[i]), 8 * K, PROT_READ | PROT_EXEC,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
				      0) == vaddr_ptr(area[i]));
		}
		for (uintptr_t i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, meddler, (void *)i);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < AREAS * 8; i++) {
			vaddr_t va = area[i / 8] + i % 8 * K;
			pte_t pte = pt_walk(&busy.pt, va, &e);

			CHECK_EQ(procmap_find(va, &row), 0);
			if (!(pte & PTE_P))
				continue;
			CHECK(pte & PTE_NX || row.prot & PROT_EXEC);
			executable += !(pte & PTE_NX);
			CHECK(late[window_va_to_pa(&busy.windows, va) >> 30] > 0);
		}
		for (int i = 0; i < AREAS; i++)
			munmap(vaddr_ptr(area[i]), 8 * K);
	}
	CHECK(executable > 0);
	CHECK_EQ(wrong, 0);
}

static void failures_come_up(void)
{
	broken.on_window = no_slot;
	CHECK_EQ(setup_mappings(&broken, MAPPINGS_FULL), -ENOSPC);
}

int main(void)
{
	RUN(full_form);
	RUN(vsyscall_page);
	RUN(execute_on_fetch);
	RUN(new_windows);
	RUN(alias_by_hand);
	RUN(precise_form);
	RUN(threads_fault_at_once);
	RUN(failures_come_up);
	return UNIT_END();
}
