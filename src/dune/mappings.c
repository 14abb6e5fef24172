/*
 * mappings.c - the page tables of a process that is about to enter ring 0 (mappings.h).
 *
 * Before dune_enter; vmm context for faults and changes; table_take also app context. The order
 * is always: window claimed, slot made, entry written, so that whatever the tables point at has
 * a slot, and the processor never walks into guest-physical memory that is not there.
 * Breaks if: a table is linked in whose own window has no slot yet (table_take sees to that).
 */
#include "mappings.h"

#include "page.h"
#include "procmap.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define CPUID_VMX (1u << 5) /* leaf 1, ECX */

#define PF_PRESENT 1UL
#define PF_WRITE   2UL
#define PF_RSVD	   8UL
#define PF_FETCH   16UL

struct mappings dune_mappings UD_TABLE;

static bool window_is_ready(const struct mappings *m, unsigned i)
{
	return __atomic_load_n(&m->ready[i / 64], __ATOMIC_ACQUIRE) >> (i % 64) & 1;
}

/* Claimed, and with a slot. */
static int window_ready(struct mappings *m, vaddr_t va, struct window *win)
{
	int r = window_claim(&m->windows, va, win);

	if (r || window_is_ready(m, win->index))
		return r;
	r = m->on_window ? m->on_window(win) : 0;
	if (!r)
		__atomic_or_fetch(
			&m->ready[win->index / 64], 1UL << (win->index % 64), __ATOMIC_RELEASE);
	return r;
}

int mappings_window(struct mappings *m, vaddr_t va)
{
	struct window win;
	int r = window_ready(m, va, &win);

	if (r || (m->form == MAPPINGS_PRECISE && !page_owns(va)))
		return r;
	return pt_fill(&m->pt, win.hva, win.hva + win.len, win.gpa, PTE_DATA);
}

/*
 * A page for a table. In the app's context the store faults its window in, by way of the vmm;
 * in the vmm's it cannot fault, and the window is completed here. With 2 MB leaves this may
 * come back for a table to map the window with: by then the window is ready.
 */
static paddr_t table_take(void *ctx)
{
	struct mappings *m = ctx;
	uint64_t *page = page_alloc();
	vaddr_t va = vaddr_of(page);

	if (!page)
		return 0;
	*(volatile uint64_t *)page = 0;
	if (!window_is_ready(m, (unsigned)(va >> GIGA_SHIFT)) && mappings_window(m, va)) {
		page_free(page);
		return 0;
	}
	return va;
}

/*
 * Another vCPU may have the table in its paging-structure cache, and nobody here knows when all have flushed:
 * so it stays as it is for ever (4 KB for every 2 MB of addresses that die).
 */
static void table_keep(void *ctx, paddr_t table)
{
}

/* PTE flags of a row, 0 for one that nobody may touch. */
static pte_t row_flags(const struct procmap_row *row)
{
	pte_t flags = row->prot & PROT_WRITE ? PTE_DATA : PTE_READ;

	if (row->prot & PROT_EXEC)
		flags &= ~PTE_NX;
	return row->prot ? flags : 0;
}

/* Maps [lo, hi), host-mapped with these flags, window by window. */
static int map_range(struct mappings *m, vaddr_t lo, vaddr_t hi, pte_t flags)
{
	struct window win;
	vaddr_t end;
	int r = 0;

	for (; lo < hi && !r; lo = end) {
		r = window_ready(m, lo, &win);
		if (r)
			break;
		end = MIN(hi, win.hva + win.len);
		r = pt_map(&m->pt, lo, end, win.gpa + (lo - win.hva), flags);
	}
	return r;
}

/*
 * The legacy calls of the vsyscall page, for statically linked programs of old: the kernel's
 * own page is no memory that a window could show.
 */
static int map_vsyscall(struct mappings *m)
{
	static const uint8_t nr[] = {96, 201, 53}; /* low bytes: gettimeofday, time, getcpu */
	uint8_t *page = page_alloc(), *code;
	unsigned i;
	int r;

	if (!page)
		return -ENOMEM;
	memset(page, 0xcc, PAGE_SIZE);
	for (i = 0; i < ARRAY_LEN(nr); i++) {
		code = page + i * 0x400;
		/* mov $nr, %eax; syscall; ret */
		memcpy(code, (const uint8_t[]){0xb8, nr[i], i == 2, 0, 0, 0x0f, 0x05, 0xc3}, 8);
	}
	r = mappings_window(m, vaddr_of(page));
	return r ? r
		 : pt_map(&m->pt, VSYSCALL_ADDR, VSYSCALL_ADDR + PAGE_SIZE, vaddr_of(page),
			   PTE_CODE);
}

static int map_row(const struct procmap_row *row, void *arg)
{
	struct mappings *m = arg;
	pte_t flags = row_flags(row);
	vaddr_t va;
	int r = 0;

	if (row->start == VSYSCALL_ADDR)
		return map_vsyscall(m);
	if (!flags || row->start >= WINDOW_TASK_SIZE || page_owns(row->start))
		return 0;
	if (m->form == MAPPINGS_PRECISE)
		return map_range(m, row->start, row->end, flags);
	for (va = ALIGN_DOWN(row->start, GIGA_SIZE); va < row->end && !r; va += GIGA_SIZE)
		r = mappings_window(m, va);
	return r;
}

struct bounds {
	vaddr_t stack;	  /* an address in the stack               */
	vaddr_t mmap_top; /* end of the highest mapping below it   */
};

static int find_bounds(const struct procmap_row *row, void *arg)
{
	struct bounds *b = arg;

	if (row->end <= b->stack)
		b->mmap_top = row->end;
	return row->end > b->stack;
}

/* The stack's row is found by its name: setup may run on a stack of another kind. */
static int find_stack(const struct procmap_row *row, void *arg)
{
	struct bounds *b = arg;

	if (strlen(row->name) != 7 || memcmp(row->name, "[stack]", 7))
		return 0;
	b->stack = row->end - 1;
	return 1;
}

static unsigned phys_bits(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
}

static bool has_1g_leaves(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d & (1u << 26);
}

/*
 * KVM on VMX (Intel, Zhaoxin) without unrestricted guests keeps pages of its own just below 4 GB;
 * there a program's memory between 3 and 4 GB (a very large heap of a non-PIE program) must spill.
 */
static void reserve_for_kvm(struct windows *w)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & CPUID_VMX)
		window_reserve(w, 3 * GIGA_SIZE);
}

int setup_mappings(struct mappings *m, enum mappings_form form)
{
	struct bounds b = {vaddr_of(&b), 0};
	int r = page_init();

	if (!r)
		r = procmap_each(find_stack, &b);
	if (r >= 0)
		r = procmap_each(find_bounds, &b);
	if (r < 0)
		return r;
	r = window_init(&m->windows, phys_bits(), b.mmap_top, b.stack, page_pool_end());
	if (r)
		return r;
	reserve_for_kvm(&m->windows);
	m->form = form;
	m->pt.leaf_level = has_1g_leaves() ? 3 : 2;
	m->pt.table_alloc = table_take;
	if (!m->pt.table_free)
		m->pt.table_free = table_keep;
	m->pt.ctx = m;
	/* The pool's first window must be ready before the first table lies in it. */
	r = window_ready(m, PAGEBASE, &(struct window){0});
	if (!r)
		r = pt_init(&m->pt);
	if (!r)
		r = mappings_window(m, PAGEBASE);
	return r ? r : procmap_each(map_row, m);
}

int mappings_replay(struct mappings *m)
{
	struct window win;
	unsigned i;
	int r;

	memset(m->ready, 0, sizeof(m->ready));
	for (i = 0; i < WINDOW_GPAS; i++) {
		if (!window_at(&m->windows, i, &win))
			continue;
		r = window_ready(m, win.hva, &win);
		if (r)
			return r;
	}
	return 0;
}

/*
 * Brings the entries of the host's row over va up to date: in precise form all of it, in full
 * form the permission to execute. Should the host's mappings change between our look and our
 * write, what was written is taken back and the next fault looks anew.
 */
static int row_refresh(struct mappings *m, vaddr_t va, uint64_t error)
{
	uint32_t before = __atomic_load_n(&m->changes, __ATOMIC_SEQ_CST);
	struct procmap_row row;
	int r = procmap_find(va, &row);

	if (r)
		return r;
	if (!row.prot || (error & PF_FETCH && !(row.prot & PROT_EXEC)) ||
		(error & PF_WRITE && !(row.prot & PROT_WRITE)))
		return -EFAULT;
	row.end = MIN(row.end, WINDOW_TASK_SIZE);
	if (m->form == MAPPINGS_PRECISE)
		r = map_range(m, row.start, row.end, row_flags(&row));
	else
		r = mappings_window(m, va);
	if (!r && m->form == MAPPINGS_FULL && error & PF_FETCH)
		r = pt_protect(&m->pt, row.start, row.end, 0, PTE_NX);
	if (__atomic_load_n(&m->changes, __ATOMIC_SEQ_CST) != before)
		mappings_changed(m, row.start, row.end);
	return r;
}

int mappings_fault(struct mappings *m, vaddr_t va, uint64_t error)
{
	struct pt_entry e;
	pte_t pte = pt_walk(&m->pt, va, &e);

	if (va >= WINDOW_TASK_SIZE || error & PF_RSVD || pte_is_tombstone(pte))
		return -EFAULT;
	if (!(pte & PTE_P))
		return page_owns(va) ? mappings_window(m, va) : row_refresh(m, va, error);
	if (error & PF_FETCH && pte & PTE_NX)
		return page_owns(va) ? -EFAULT : row_refresh(m, va, error);
	if (error & PF_WRITE && !(pte & PTE_W))
		return m->form == MAPPINGS_PRECISE ? row_refresh(m, va, error) : -EFAULT;
	return 0; /* another thread was faster */
}

static int is_executable(const struct pt_entry *e, void *arg)
{
	return (e->pte & (PTE_P | PTE_NX)) == PTE_P;
}

static int is_present(const struct pt_entry *e, void *arg)
{
	return e->pte & PTE_P ? 1 : 0;
}

bool mappings_changed(struct mappings *m, vaddr_t lo, vaddr_t hi)
{
	bool full = m->form == MAPPINGS_FULL;
	vaddr_t glo, ghi;

	lo = ALIGN_DOWN(lo, PAGE_SIZE);
	hi = MIN(ALIGN_UP(hi, PAGE_SIZE), WINDOW_TASK_SIZE);
	if (lo >= hi)
		return false;
	__atomic_add_fetch(&m->changes, 1, __ATOMIC_SEQ_CST);
	if (!pt_visit(&m->pt, lo, hi, full ? is_executable : is_present, NULL))
		return false;
	if (!(full ? pt_protect(&m->pt, lo, hi, PTE_NX, 0) : pt_unmap(&m->pt, lo, hi, 0)))
		return true;
	/* No page for a split: whole windows need none, and refill by faults. */
	glo = ALIGN_DOWN(lo, GIGA_SIZE);
	ghi = ALIGN_UP(hi, GIGA_SIZE);
	if (full)
		pt_protect(&m->pt, glo, ghi, PTE_NX, 0);
	else
		pt_unmap(&m->pt, glo, ghi, 0);
	return true;
}

paddr_t dune_va_to_pa(const void *va)
{
	return window_va_to_pa(&dune_mappings.windows, vaddr_of(va));
}

void *dune_pa_to_va(paddr_t pa)
{
	vaddr_t va = window_pa_to_va(&dune_mappings.windows, pa);

	return va == VADDR_NONE ? NULL : vaddr_ptr(va);
}

paddr_t dune_mmap_addr_to_pa(const void *va)
{
	return window_mmap_addr_to_pa(&dune_mappings.windows, vaddr_of(va));
}

void *dune_pa_to_mmap_addr(paddr_t pa)
{
	return vaddr_ptr(window_pa_to_mmap_addr(&dune_mappings.windows, pa));
}

paddr_t dune_stack_addr_to_pa(const void *va)
{
	return window_stack_addr_to_pa(&dune_mappings.windows, vaddr_of(va));
}

void *dune_pa_to_stack_addr(paddr_t pa)
{
	return vaddr_ptr(window_pa_to_stack_addr(&dune_mappings.windows, pa));
}
