/*
 * page.c - the physical page allocator (page.h).
 *
 * app and vmm context. Owns [PAGEBASE, PAGEBASE + limit): first one `struct page` per page of
 * the reservation, then the pages. The free list is a stack of page numbers linked through that
 * array, not through the pages, so that a late look at a page that was just handed out reads
 * nothing of its new owner's; its head carries a counter against ABA. The reservation is
 * PROT_NONE and made accessible step by step, for overcommit_memory=2 charges what is writable.
 * Breaks if: a reader of the free list trusts `next` before its compare-and-swap succeeded.
 */
#include "page.h"

#include "base/base.h"

#include <errno.h>
#include <sys/mman.h>

#define STEP_PAGES ((uint32_t)(PAGE_POOL_STEP >> PAGE_SHIFT))

struct page {
	uint32_t refs; /* 0 = free                          */
	uint32_t next; /* on the free list; 0 ends it       */
};

static struct {
	uint64_t head;	/* free list: counter << 32 | page number           */
	uint32_t next;	/* first page never handed out                      */
	uint32_t ready; /* first page not accessible yet                    */
	uint32_t limit; /* pages in the reservation; 0 before page_init     */
	uint32_t first; /* pages below hold the array                       */
} pool;

static struct page *page_of(uint32_t n)
{
	return (struct page *)PAGEBASE + n;
}

static vaddr_t page_va(uint32_t n)
{
	return PAGEBASE + ((vaddr_t)n << PAGE_SHIFT);
}

static uint32_t page_number(const void *page)
{
	vaddr_t va = vaddr_of(page);
	uint32_t n = (uint32_t)((va - PAGEBASE) >> PAGE_SHIFT);

	panic_if(va & ~PAGE_MASK || !page_owns(va) || n < pool.first ||
			 n >= __atomic_load_n(&pool.next, __ATOMIC_RELAXED),
		"not a page of the pool: %p", page);
	return n;
}

int page_init(void)
{
	size_t size = PAGE_POOL_SIZE;
	long at;

	if (pool.limit)
		return 0;
	for (;; size >>= 1) {
		at = sys_mmap(PAGEBASE, size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);
		if (!sys_is_err(at))
			break;
		if (at != -ENOMEM || size <= 2 * PAGE_POOL_STEP)
			return (int)at;
	}
	if ((vaddr_t)at != PAGEBASE) { /* a kernel before 4.17 takes the address as a hint */
		sys_munmap((vaddr_t)at, size);
		return -EEXIST;
	}
	pool.limit = (uint32_t)(size >> PAGE_SHIFT);
	/* The first page starts a huge page, so that every step can be made of them. */
	pool.first = (uint32_t)(ALIGN_UP(pool.limit * sizeof(struct page), HUGE_SIZE) >>
				PAGE_SHIFT);
	pool.next = pool.ready = pool.first;
	return 0;
}

/*
 * Makes the step from `ready` on accessible. Two threads may do it at once: the calls are
 * idempotent, and `ready` moves once.
 */
static bool pool_grow(void)
{
	uint32_t from = __atomic_load_n(&pool.ready, __ATOMIC_ACQUIRE);
	uint32_t to = MIN(from + STEP_PAGES, pool.limit);
	vaddr_t lo = ALIGN_DOWN(vaddr_of(page_of(from)), PAGE_SIZE);
	vaddr_t hi = ALIGN_UP(vaddr_of(page_of(to)), PAGE_SIZE);

	if (from == to)
		return false;
	if (sys_mprotect(lo, hi - lo, PROT_READ | PROT_WRITE) ||
		sys_mprotect(page_va(from), page_va(to) - page_va(from), PROT_READ | PROT_WRITE))
		return false;
	sys_madvise(page_va(from), page_va(to) - page_va(from), MADV_HUGEPAGE);
	__atomic_compare_exchange_n(
		&pool.ready, &from, to, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	return true;
}

/* A page never handed out before, or 0. */
static uint32_t pool_take_new(void)
{
	uint32_t n = __atomic_load_n(&pool.next, __ATOMIC_RELAXED);

	for (;;) {
		if (n >= __atomic_load_n(&pool.ready, __ATOMIC_ACQUIRE)) {
			if (!pool_grow())
				return 0;
			n = __atomic_load_n(&pool.next, __ATOMIC_RELAXED);
			continue;
		}
		if (__atomic_compare_exchange_n(
			    &pool.next, &n, n + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return n;
	}
}

/* A page given back before, or 0. */
static uint32_t pool_take_old(void)
{
	uint64_t head = __atomic_load_n(&pool.head, __ATOMIC_ACQUIRE), want;
	uint32_t n;

	do {
		n = (uint32_t)head;
		if (!n)
			return 0;
		want = ((head >> 32) + 1) << 32 |
		       __atomic_load_n(&page_of(n)->next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(
		&pool.head, &head, want, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return n;
}

static void pool_give(uint32_t n)
{
	uint64_t head = __atomic_load_n(&pool.head, __ATOMIC_RELAXED), want;

	do {
		__atomic_store_n(&page_of(n)->next, (uint32_t)head, __ATOMIC_RELAXED);
		want = ((head >> 32) + 1) << 32 | n;
	} while (!__atomic_compare_exchange_n(
		&pool.head, &head, want, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void page_zero(void *page)
{
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0UL) : "memory");
}

void *page_alloc(void)
{
	uint32_t n = pool_take_old();

	if (n) {
		page_zero(vaddr_ptr(page_va(n)));
	} else {
		n = pool_take_new();
		if (!n)
			return NULL;
	}
	__atomic_store_n(&page_of(n)->refs, 1, __ATOMIC_RELAXED);
	return vaddr_ptr(page_va(n));
}

void page_free(void *page)
{
	uint32_t n = page_number(page), one = 1;

	panic_if(!__atomic_compare_exchange_n(
			 &page_of(n)->refs, &one, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED),
		"page %p freed with %u references", page, one);
	pool_give(n);
}

void page_ref(void *page)
{
	uint32_t old = __atomic_fetch_add(&page_of(page_number(page))->refs, 1, __ATOMIC_RELAXED);

	panic_if(!old, "reference to the free page %p", page);
}

bool page_unref(void *page)
{
	uint32_t n = page_number(page);
	uint32_t old = __atomic_fetch_sub(&page_of(n)->refs, 1, __ATOMIC_ACQ_REL);

	panic_if(!old, "reference dropped of the free page %p", page);
	if (old > 1)
		return false;
	pool_give(n);
	return true;
}

uint32_t page_refs(const void *page)
{
	return __atomic_load_n(&page_of(page_number(page))->refs, __ATOMIC_RELAXED);
}

bool page_owns(vaddr_t va)
{
	return va >= PAGEBASE && va < page_pool_end();
}

vaddr_t page_pool_end(void)
{
	return page_va(pool.limit);
}

vaddr_t page_pool_top(void)
{
	return page_va(__atomic_load_n(&pool.next, __ATOMIC_RELAXED));
}
