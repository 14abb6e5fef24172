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
#include "sys.h"

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
	return ((at & (PAGE_SIZE - 1)) + (size ? size : 1) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static inline pte_t tomb(const struct grain *g, uint32_t page)
{
	return pte_tombstone((g->base >> PAGE_SHIFT) + page);
}

/* Records are zero when their grain is new. */
static inline void rec_made(
	struct rec *r, const struct kvm_slot *s, vaddr_t canon, size_t size, void *frame)
{
	r->size = size;
	if (options.stacks) {
		r->alloc_stack = frame ? stack_capture(frame) : 0;
		r->alloc_tid = s->tid;
	}
	__atomic_store_n(&r->head, REC_HEAD | (canon & (PAGE_SIZE - 1)), __ATOMIC_RELEASE);
}

static inline void rec_died(struct rec *r, const struct kvm_slot *s, bool moved, void *frame)
{
	if (options.stacks) {
		r->free_stack = frame ? stack_capture(frame) : 0;
		__atomic_store_n(&r->free_tid, moved ? -s->tid : s->tid, __ATOMIC_RELEASE);
	} else if (moved) {
		r->free_tid = -1;
	}
}

/*
 * Who kills writes the record behind it: whoever meets the dead alias sooner gives it the time. Not
 * for ever: it may be the thread that this one interrupts.
 */
static void rec_wait(const struct rec *r)
{
	int i;

	for (i = 0; i < 1000 && !__atomic_load_n(&r->free_tid, __ATOMIC_ACQUIRE); i++)
		sys_call3(__NR_sched_yield, 0, 0, 0);
}

/* Pages that will never show anything count as dead, or the grain could never be folded. */
static void pages_waste(struct grain *g, uint32_t from, uint32_t to)
{
	uint32_t i;

	if (from >= to)
		return;
	for (i = from; i < to; i++)
		__atomic_store_n(&g->leaf[i], tomb(g, i), __ATOMIC_RELAXED);
	grain_gone(g, to - from);
}

/*
 * The next n pages of the grain; beyond its end where there are no more. Atomic towards this
 * thread's own handlers, which is all it takes: no lock prefix.
 */
static inline uint32_t pages_next(struct grain *g, uint32_t n)
{
	__asm__ volatile("xaddl %0, %1" : "+r"(n), "+m"(g->next) : : "memory", "cc");
	return n;
}

/* n pages in a new grain, or aligned ones. */
static __attribute__((noinline)) struct grain *pages_slow(
	struct kvm_slot *s, uint32_t n, size_t align, uint32_t *first)
{
	uint32_t step = align > PAGE_SIZE ? (uint32_t)(align >> PAGE_SHIFT) : 1, i,
		 all = n + step - 1;
	struct grain *g, *none;

	for (;;) {
		g = __atomic_load_n(&s->grain, __ATOMIC_RELAXED);
		if (g) {
			i = pages_next(g, all);
			if (i + all <= GRAIN_PAGES)
				break;
			pages_waste(g, i, GRAIN_PAGES);
			/* Unless a handler put a new one there meanwhile. */
			__atomic_compare_exchange_n(
				&s->grain, &g, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
			continue;
		}
		g = grain_new();
		if (!g)
			return NULL;
		none = NULL;
		if (!__atomic_compare_exchange_n(
			    &s->grain, &none, g, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			pages_waste(g, 0, GRAIN_PAGES);
	}
	*first = ALIGN_UP(i, step);
	pages_waste(g, i, *first);
	pages_waste(g, *first + n, i + all);
	return g;
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

static vaddr_t large_make(struct kvm_slot *s, vaddr_t canon, size_t size, size_t align, void *frame)
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
	s->allocs++;
	rec_made(&g->rec[0], s, canon, size, frame);
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + (canon & (PAGE_SIZE - 1));
}

/* The second page of a block and so on. */
static __attribute__((noinline)) void pages_rest(
	struct grain *g, uint32_t first, uint32_t n, vaddr_t canon)
{
	uint32_t i;
	paddr_t pa = 0;

	canon &= PAGE_MASK;
	for (i = 1; i < n; i++) {
		vaddr_t at = canon + ((vaddr_t)i << PAGE_SHIFT);

		/* Windows are contiguous in themselves only; so is what was touched. */
		pa = i > 1 && (at & (GIGA_SIZE - 1)) ? pa + PAGE_SIZE : kalias_canon_pa(at);
		g->rec[first + i].head = REC_PART | i;
		__atomic_store_n(&g->leaf[first + i], pa | PTE_DATA, __ATOMIC_RELEASE);
	}
}

static __attribute__((noinline)) vaddr_t make_slow(
	struct kvm_slot *s, vaddr_t canon, size_t size, size_t align, void *frame)
{
	paddr_t pa = kalias_canon_pa(canon);
	struct grain *g;
	uint32_t n, first;

	quarantine_tick(s);
	if (size > SMALL_PAGES << PAGE_SHIFT || align > HUGE_SIZE / 4)
		return large_make(s, canon, size, align, frame);
	n = (uint32_t)pages_of(canon, size);
	g = pages_slow(s, n, align, &first);
	if (!g)
		return 0;
	s->allocs++;
	s->more_pages += n - 1;
	rec_made(&g->rec[first], s, canon, size, frame);
	__atomic_store_n(&g->leaf[first], (pa & PAGE_MASK) | PTE_DATA, __ATOMIC_RELEASE);
	if (n > 1)
		pages_rest(g, first, n, canon);
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + (canon & (PAGE_SIZE - 1));
}

/* One page, nothing recorded, nobody waiting: in line. The rest has time for a call. */
vaddr_t kalias_make(struct kvm_slot *s, vaddr_t canon, size_t size, size_t align, void *frame)
{
	struct grain *g = s->grain;
	size_t off = canon & (PAGE_SIZE - 1);
	uint32_t i;

	if (unlikely(!g || off + size > PAGE_SIZE || align > PAGE_SIZE || options.stacks ||
		     epoch_stale(&kvm_epochs, s->epoch)))
		return make_slow(s, canon, size, align, frame);
	i = pages_next(g, 1);
	if (unlikely(i >= GRAIN_PAGES))
		return make_slow(s, canon, size, align, frame);
	s->allocs++;
	g->rec[i].size = size;
	__atomic_store_n(&g->rec[i].head, REC_HEAD | off, __ATOMIC_RELEASE);
	__atomic_store_n(
		&g->leaf[i], (kalias_canon_pa(canon) & PAGE_MASK) | PTE_DATA, __ATOMIC_RELEASE);
	return g->base + ((vaddr_t)i << PAGE_SHIFT) + off;
}

static bool large_starts(const struct grain *g, vaddr_t va)
{
	return !g->dead && va == g->base + ((vaddr_t)g->first << PAGE_SHIFT) +
					   (g->rec[0].head & (PAGE_SIZE - 1));
}

static vaddr_t large_kill(struct grain *g, vaddr_t va, bool moved, void *frame, size_t *size)
{
	struct kvm_slot *s = kvm_slot_self();
	paddr_t pa;

	if (!large_starts(g, va) || __atomic_exchange_n(&g->dead, true, __ATOMIC_ACQ_REL))
		return 0;
	panic_if(!pt_translate(&dune_mappings.pt, va, &pa), "kvm: live block is not mapped");
	*size = g->rec[0].size;
	s->frees++;
	rec_died(&g->rec[0], s, moved, frame);
	large_unmap(g);
	grain_large_gone(g);
	return pa_canon(pa);
}

static inline bool small_starts(const struct grain *g, vaddr_t va, uint32_t i)
{
	return g->rec[i].head == (REC_HEAD | (va & (PAGE_SIZE - 1)));
}

static __attribute__((noinline)) void kill_rest(
	struct grain *g, pte_t *leaf, vaddr_t va, uint32_t i, uint32_t n)
{
	uint32_t k;

	for (k = 1; k < n; k++) {
		__atomic_store_n(&leaf[i + k], tomb(g, i), __ATOMIC_RELAXED);
		invlpg((va & PAGE_MASK) + ((vaddr_t)k << PAGE_SHIFT));
	}
}

static __attribute__((noinline)) vaddr_t kill_slow(
	struct kvm_slot *s, vaddr_t va, bool moved, void *frame, size_t *size)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES, n;
	pte_t *leaf, pte;

	if (!g)
		return 0;
	if (g->len)
		return large_kill(g, va, moved, frame, size);
	leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);
	if (!leaf || !small_starts(g, va, i))
		return 0;
	pte = __atomic_load_n(&leaf[i], __ATOMIC_RELAXED);
	if (!(pte & PTE_P) || !__atomic_compare_exchange_n(&leaf[i], &pte, tomb(g, i), false,
				      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return 0;
	invlpg(va);
	s->frees++;
	*size = g->rec[i].size;
	n = (uint32_t)pages_of(va, *size);
	if (n > 1)
		kill_rest(g, leaf, va, i, n);
	rec_died(&g->rec[i], s, moved, frame);
	grain_gone(g, n);
	return pa_canon(pte_addr(pte)) + (va & (PAGE_SIZE - 1));
}

/* One page, nothing recorded, and not the last of its grain: in line. */
vaddr_t kalias_kill(struct kvm_slot *s, vaddr_t va, bool moved, void *frame, size_t *size)
{
	uintptr_t e = grain_entry(va);
	struct grain *g = (struct grain *)e;
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES;
	size_t off = va & (PAGE_SIZE - 1), len;
	pte_t *leaf, pte;

	/* A large block has no leaf of its own. */
	if (unlikely(!e || (e & (DIR_PART | DIR_FORGOT)) || options.stacks || moved))
		return kill_slow(s, va, moved, frame, size);
	leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);
	len = g->rec[i].size;
	if (unlikely(!leaf || g->rec[i].head != (REC_HEAD | off) || off + len > PAGE_SIZE))
		return kill_slow(s, va, moved, frame, size);
	pte = __atomic_load_n(&leaf[i], __ATOMIC_RELAXED);
	if (unlikely(!(pte & PTE_P)) ||
		unlikely(!__atomic_compare_exchange_n(
			&leaf[i], &pte, tomb(g, i), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
		return 0;
	invlpg(va);
	s->frees++;
	*size = len;
	if (unlikely(__atomic_add_fetch(&g->gone, 1, __ATOMIC_ACQ_REL) == GRAIN_PAGES))
		grain_fold(g);
	return pa_canon(pte_addr(pte)) + off;
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
	uint64_t head;
	const struct rec *r;

	*b = (struct block){.state = BLOCK_NONE};
	if (!vpages_owns(&kvm_vpages, va))
		return;
	b->state = grain_was_there(va) && !g ? BLOCK_DEAD : BLOCK_NEVER;
	if (!g)
		return;
	head = __atomic_load_n(&g->rec[g->len ? (i = 0) : i].head, __ATOMIC_ACQUIRE);
	if (head & REC_PART)
		i -= (uint32_t)head % GRAIN_PAGES;
	if (!head || i >= GRAIN_PAGES)
		return;
	r = &g->rec[i];
	b->base = g->base + ((vaddr_t)(g->len ? g->first : i) << PAGE_SHIFT) +
		  (r->head & (PAGE_SIZE - 1));
	b->size = r->size;
	b->alloc_stack = r->alloc_stack;
	b->alloc_tid = r->alloc_tid;
	b->state = is_dead(g, i) ? BLOCK_DEAD : BLOCK_LIVE;
	if (b->state == BLOCK_LIVE)
		return;
	if (options.stacks)
		rec_wait(r);
	b->moved = r->free_tid < 0;
	b->free_stack = r->free_stack;
	b->free_tid = options.stacks ? (b->moved ? -r->free_tid : r->free_tid) : 0;
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

	rec_died(&g->rec[0], kvm_slot_self(), true, frame);
	grain_large_gone(g);
}
