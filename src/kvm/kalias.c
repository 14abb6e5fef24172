/*
 * kalias.c - an alias per object: page-table entries onto the canonical block, and their death.
 *
 * app context, in ring 0. No system call on the way of a small block, no lock: a grain belongs
 * to the vCPU that hands it out, and death is decided by one compare-and-exchange of the first
 * page's entry. The canonical address comes back from the page walk (the entry holds the
 * guest-physical page, the windows lead from there to the host's address).
 *
 * What breaks it: giving the canonical block back before kalias_kill returned.
 */
#include "dune/mappings.h"
#include "kvm/kvm.h"
#include "options.h"
#include "panic.h"
#include "stack.h"

#define SMALL_PAGES 64U /* more get grains of their own */

static inline void invlpg(vaddr_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

void kalias_flush_all(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
}

static inline vaddr_t pa_canon(paddr_t pa)
{
	return ((vaddr_t)(dune_mappings.windows.hva_of[pa >> GIGA_SHIFT] - 1) << GIGA_SHIFT) |
	       (pa & (GIGA_SIZE - 1));
}

static inline size_t pages_of(vaddr_t at, size_t size)
{
	return (((at & (PAGE_SIZE - 1)) + (size ? size : 1) + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

static void rec_made(struct rec *r, vaddr_t canon, size_t size, void *frame)
{
	r->size = size;
	r->alloc_stack = options.stacks && frame ? stack_capture(frame) : 0;
	r->free_stack = 0;
	r->alloc_tid = options.stacks ? kvm_slot_self()->tid : 0;
	r->free_tid = 0;
	r->off = canon & (PAGE_SIZE - 1);
	r->back = 0;
	r->moved = 0;
	__atomic_store_n(&r->used, 1, __ATOMIC_RELEASE);
}

static void rec_died(struct rec *r, bool moved, void *frame)
{
	r->moved = moved;
	if (options.stacks) {
		r->free_tid = kvm_slot_self()->tid;
		r->free_stack = frame ? stack_capture(frame) : 0;
	}
}

static inline pte_t tomb(const struct grain *g, uint32_t page)
{
	return pte_tombstone((g->base >> PAGE_SHIFT) + page);
}

/* Pages that will never show anything count as dead, or the grain could never be folded. */
static void pages_waste(struct grain *g, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from; i < to; i++)
		__atomic_store_n(&g->leaf[i], tomb(g, i), __ATOMIC_RELAXED);
	grain_gone(g, to - from);
}

/* The first of n pages in this vCPU's grain, aligned; a handler that interrupts takes others. */
static struct grain *pages_take(struct kvm_slot *s, uint32_t n, size_t align, uint32_t *first)
{
	uint32_t mask = align > PAGE_SIZE ? (uint32_t)(align >> PAGE_SHIFT) - 1 : 0;
	struct grain *g;
	uint32_t i;

	for (;;) {
		g = s->grain;
		if (likely(g)) {
			i = g->next;
			if (likely(((i + mask) & ~mask) + n <= GRAIN_PAGES)) {
				*first = (i + mask) & ~mask;
				if (!__atomic_compare_exchange_n(&g->next, &i, *first + n, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
					continue;
				if (*first > i)
					pages_waste(g, i, *first);
				return g;
			}
			i = __atomic_exchange_n(&g->next, GRAIN_PAGES, __ATOMIC_RELAXED);
			s->grain = NULL;
			if (i < GRAIN_PAGES)
				pages_waste(g, i, GRAIN_PAGES);
		}
		g = grain_new();
		if (!g)
			return NULL;
		if (s->grain) /* a handler was faster */
			pages_waste(g, 0, GRAIN_PAGES);
		else
			s->grain = g;
	}
}

/* On return every access to the block's pages faults, here. */
static void large_unmap(struct grain *g)
{
	panic_if(pt_unmap(&dune_mappings.pt, g->base, g->base + g->len,
			 pte_tombstone(g->base >> PAGE_SHIFT)),
		"kvm: a large block could not be killed");
	kalias_flush_all();
}

static bool large_map(struct grain *g, vaddr_t canon, size_t pages)
{
	vaddr_t at = g->base + ((vaddr_t)g->first << PAGE_SHIFT), from = canon & PAGE_MASK;
	size_t len = pages << PAGE_SHIFT, done, part;

	for (done = 0; done < len; done += part) {
		/* A window of canonical addresses at a time: contiguous in guest-physical too. */
		part = MIN(len - done, GIGA_SIZE - ((from + done) & (GIGA_SIZE - 1)));
		if (pt_map(&dune_mappings.pt, at + done, at + done + part,
			    kalias_canon_pa(from + done), PTE_DATA))
			return false;
	}
	return true;
}

static vaddr_t large_make(vaddr_t canon, size_t size, size_t align, void *frame)
{
	/* In step with the canonical address, so that 2 MB entries fit. */
	uint32_t first = (canon >> PAGE_SHIFT) % GRAIN_PAGES;
	size_t pages = pages_of(canon, size);
	struct grain *g;

	if (align > HUGE_SIZE)
		first = 0;
	g = grain_large_new(pages, align, first);
	if (!g)
		return 0;
	if (!large_map(g, canon, pages)) {
		g->dead = true;
		pt_unmap(&dune_mappings.pt, g->base, g->base + g->len, 0);
		kalias_flush_all();
		grain_large_gone(g);
		return 0;
	}
	kvm_slot_self()->allocs++;
	rec_made(&g->rec[0], canon, size, frame);
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + (canon & (PAGE_SIZE - 1));
}

vaddr_t kalias_make(vaddr_t canon, size_t size, size_t align, void *frame)
{
	struct kvm_slot *s = kvm_slot_self();
	uint32_t n, i, first;
	struct grain *g;
	paddr_t pa = kalias_canon_pa(canon);

	quarantine_tick(s);
	if (unlikely(size > SMALL_PAGES << PAGE_SHIFT || align > HUGE_SIZE / 4))
		return large_make(canon, size, align, frame);
	n = (uint32_t)pages_of(canon, size);
	g = pages_take(s, n, align, &first);
	if (unlikely(!g))
		return 0;
	s->allocs++;
	s->pages += n;
	rec_made(&g->rec[first], canon, size, frame);
	for (i = 0;;) {
		__atomic_store_n(
			&g->leaf[first + i], (pa & PAGE_MASK) | PTE_DATA, __ATOMIC_RELEASE);
		if (likely(++i == n))
			break;
		g->rec[first + i] = (struct rec){.back = (uint16_t)i, .used = 1};
		pa = (pa & PAGE_MASK) + PAGE_SIZE;
		if (unlikely(!(pa & (GIGA_SIZE - 1))))
			pa = kalias_canon_pa((canon & PAGE_MASK) + ((vaddr_t)i << PAGE_SHIFT));
	}
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + (canon & (PAGE_SIZE - 1));
}

static bool large_starts(const struct grain *g, vaddr_t va)
{
	return !g->dead && va == g->base + ((vaddr_t)g->first << PAGE_SHIFT) + g->rec[0].off;
}

static bool large_kill(
	struct grain *g, vaddr_t va, bool moved, void *frame, vaddr_t *canon, size_t *size)
{
	paddr_t pa;

	if (!large_starts(g, va) || __atomic_exchange_n(&g->dead, true, __ATOMIC_ACQ_REL))
		return false;
	panic_if(!pt_translate(&dune_mappings.pt, va, &pa), "kvm: live block is not mapped");
	*canon = pa_canon(pa);
	*size = g->rec[0].size;
	rec_died(&g->rec[0], moved, frame);
	large_unmap(g);
	grain_large_gone(g);
	return true;
}

/* Where a small block starts, if one does. */
static inline bool small_starts(const struct grain *g, vaddr_t va, uint32_t i)
{
	const struct rec *r = &g->rec[i];

	return g->leaf && r->used && !r->back && r->off == (va & (PAGE_SIZE - 1));
}

bool kalias_kill(vaddr_t va, bool moved, void *frame, vaddr_t *canon, size_t *size)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES, n, k;
	pte_t *leaf, pte;

	if (unlikely(!g))
		return false;
	if (unlikely(g->len))
		return large_kill(g, va, moved, frame, canon, size);
	leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);
	if (unlikely(!leaf || !small_starts(g, va, i)))
		return false;
	pte = __atomic_load_n(&leaf[i], __ATOMIC_RELAXED);
	if (unlikely(!(pte & PTE_P)) ||
		unlikely(!__atomic_compare_exchange_n(
			&leaf[i], &pte, tomb(g, i), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
		return false;
	invlpg(va);
	*canon = pa_canon(pte_addr(pte)) + (va & (PAGE_SIZE - 1));
	*size = g->rec[i].size;
	n = (uint32_t)pages_of(va, *size);
	for (k = 1; unlikely(k < n); k++) {
		__atomic_store_n(&leaf[i + k], tomb(g, i), __ATOMIC_RELAXED);
		invlpg((va & PAGE_MASK) + ((vaddr_t)k << PAGE_SHIFT));
	}
	rec_died(&g->rec[i], moved, frame);
	kvm_slot_self()->frees++;
	grain_gone(g, n);
	return true;
}

vaddr_t kalias_canon(vaddr_t va, size_t *size)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES;
	paddr_t pa;

	if (!g || !(g->len ? large_starts(g, va) : small_starts(g, va, i)) ||
		!pt_translate(&dune_mappings.pt, va, &pa))
		return 0;
	*size = g->rec[g->len ? 0 : i].size;
	return pa_canon(pa);
}

bool kalias_resize(vaddr_t va, size_t size)
{
	struct grain *g = grain_find(va);
	struct rec *r = &g->rec[g->len ? 0 : (va >> PAGE_SHIFT) % GRAIN_PAGES];

	if (pages_of(va, size) != pages_of(va, r->size))
		return false;
	r->size = size;
	return true;
}

static bool is_dead(const struct grain *g, uint32_t i)
{
	const pte_t *leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);

	return g->len ? g->dead : !leaf || !(__atomic_load_n(&leaf[i], __ATOMIC_RELAXED) & PTE_P);
}

void kalias_find(vaddr_t va, struct block *b)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES;
	const struct rec *r;

	*b = (struct block){.state = BLOCK_NONE};
	if (!vpages_owns(&kvm_vpages, va))
		return;
	b->state = grain_was_there(va) && !g ? BLOCK_DEAD : BLOCK_NEVER;
	if (!g)
		return;
	if (g->len)
		i = 0;
	i -= g->rec[i].back;
	r = &g->rec[i];
	if (!__atomic_load_n(&r->used, __ATOMIC_ACQUIRE))
		return;
	b->base = (g->len ? g->base + ((vaddr_t)g->first << PAGE_SHIFT)
			  : g->base + ((vaddr_t)i << PAGE_SHIFT)) +
		  r->off;
	b->size = r->size;
	b->alloc_stack = r->alloc_stack;
	b->alloc_tid = r->alloc_tid;
	b->state = is_dead(g, i) ? BLOCK_DEAD : BLOCK_LIVE;
	if (b->state == BLOCK_LIVE)
		return;
	b->free_stack = r->free_stack;
	b->free_tid = r->free_tid;
	b->moved = r->moved;
}

bool kalias_is_large(vaddr_t va)
{
	const struct grain *g = grain_find(va);

	return g && g->len;
}

size_t kalias_room(vaddr_t va)
{
	const struct grain *g = grain_find(va);
	const struct rec *r = &g->rec[g->len ? 0 : (va >> PAGE_SHIFT) % GRAIN_PAGES];

	return (pages_of(va, r->size) << PAGE_SHIFT) - (va & (PAGE_SIZE - 1));
}

bool kalias_detach(vaddr_t va, vaddr_t *canon)
{
	struct grain *g = grain_find(va);
	paddr_t pa;

	if (!large_starts(g, va) || __atomic_exchange_n(&g->dead, true, __ATOMIC_ACQ_REL))
		return false;
	panic_if(!pt_translate(&dune_mappings.pt, va, &pa), "kvm: live block is not mapped");
	*canon = pa_canon(pa);
	large_unmap(g);
	return true;
}

void kalias_attach(vaddr_t va, vaddr_t canon)
{
	struct grain *g = grain_find(va);

	panic_if(!large_map(g, canon, g->pages), "kvm: a block lost its alias for want of memory");
	g->dead = false;
}

void kalias_detached(vaddr_t va, void *frame)
{
	struct grain *g = grain_find(va);

	rec_died(&g->rec[0], true, frame);
	grain_large_gone(g);
}
