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
#include "kalias.h"
#include "dune/dune.h"
#include "base/base.h"
#include "trace/trace.h"

#include <errno.h>

#define SMALL_PAGES 64U /* more get grains of their own */

uint64_t *kalias_entry_of;
uint64_t kalias_canon_of[WINDOW_GPAS] UD_TABLE;

int kalias_init(void)
{
	kalias_entry_of = meta_table(WINDOW_HVAS * sizeof(*kalias_entry_of));
	return kalias_entry_of ? 0 : -ENOMEM;
}

/* This vCPU's whole TLB. */
static void flush_all(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
}

/* Guest-physical address of a canonical page; its window is made by touching it. */
static paddr_t canon_pa(vaddr_t canon)
{
	struct windows *w = &dune_mappings.windows;
	uint16_t g;

	(void)*(volatile const char *)vaddr_ptr(canon);
	g = __atomic_load_n(&w->gpa_of[canon >> GIGA_SHIFT], __ATOMIC_ACQUIRE);
	panic_if(!g, "kvm: block 0x%lx in no window", (unsigned long)canon);
	return ((paddr_t)(g - 1) << GIGA_SHIFT) | (canon & (GIGA_SIZE - 1));
}

/* The entry that shows the canonical page. */
static pte_t entry_of(vaddr_t canon)
{
	uint64_t h = canon >> GIGA_SHIFT, g, entry;

	entry = __atomic_load_n(&kalias_entry_of[h], __ATOMIC_ACQUIRE);
	if (unlikely(!entry)) {
		g = canon_pa(canon) >> GIGA_SHIFT;
		entry = ((g - h) << GIGA_SHIFT) + PTE_DATA;
		__atomic_store_n(&kalias_canon_of[g], (h - g) << GIGA_SHIFT, __ATOMIC_RELAXED);
		__atomic_store_n(&kalias_entry_of[h], entry, __ATOMIC_RELEASE);
	}
	return (canon & PAGE_MASK) + entry;
}

static inline size_t pages_of(vaddr_t at, size_t size)
{
	return ((at & (PAGE_SIZE - 1)) + (size ? size : 1) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Notes are zero when their grain is new. */
static void note_made(struct grain *g, uint32_t i, const struct kvm_slot *s, uint64_t note,
	size_t size, void *frame)
{
	if (options.stacks) {
		g->trace[i].alloc_stack = frame ? stack_capture(frame) : 0;
		g->trace[i].alloc_tid = s->tid;
	}
	__atomic_store_n(&g->note[i], size << NOTE_SIZE_SHIFT | note, __ATOMIC_RELEASE);
}

static void note_died(
	struct grain *g, uint32_t i, const struct kvm_slot *s, bool moved, void *frame)
{
	if (moved)
		__atomic_fetch_or(&g->note[i], NOTE_MOVED, __ATOMIC_RELAXED);
	if (options.stacks) {
		g->trace[i].free_stack = frame ? stack_capture(frame) : 0;
		__atomic_store_n(&g->trace[i].free_tid, s->tid, __ATOMIC_RELEASE);
	}
}

static inline size_t note_size(const struct grain *g, uint32_t i)
{
	return g->note[i] >> NOTE_SIZE_SHIFT;
}

/*
 * Who kills writes the trace behind it: whoever meets the dead alias sooner gives it the time. Not
 * for ever: it may be the thread that this one interrupts.
 */
static void trace_wait(const struct trace *t)
{
	int i;

	for (i = 0; i < 1000 && !__atomic_load_n(&t->free_tid, __ATOMIC_ACQUIRE); i++)
		sys_call3(__NR_sched_yield, 0, 0, 0);
}

/* Pages that will never show anything count as dead, or the grain could never be folded. */
static void pages_waste(struct kvm_slot *s, struct grain *g, uint32_t from, uint32_t to)
{
	uint32_t i;

	if (from >= to)
		return;
	for (i = from; i < to; i++)
		__atomic_store_n(
			&g->leaf[i], pte_tombstone((g->base >> PAGE_SHIFT) + i), __ATOMIC_RELAXED);
	s->wasted += to - from;
	grain_gone(g, to - from);
}

/* A new grain for the cursor, which was at `c`. Unless a handler has moved it meanwhile. */
static bool cursor_renew(struct kvm_slot *s, uint64_t c)
{
	uint32_t i = c % GRAIN_ALIGN;
	struct grain *g = grain_new();

	if (!g) { /* and not further beyond the end with every attempt */
		if (i > GRAIN_PAGES)
			__atomic_compare_exchange_n(&s->cursor, &c, GRAIN_PAGES, false,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED);
		return false;
	}
	s->grains++;
	if (__atomic_compare_exchange_n(
		    &s->cursor, &c, (uint64_t)g, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		pages_waste(s, (struct grain *)(c - i), i, GRAIN_PAGES);
	else
		pages_waste(s, g, 0, GRAIN_PAGES);
	return true;
}

/* n pages from the cursor, aligned. */
static struct grain *pages_take(struct kvm_slot *s, uint32_t n, size_t align, uint32_t *first)
{
	uint32_t step = align > PAGE_SIZE ? (uint32_t)(align >> PAGE_SHIFT) : 1, i,
		 all = n + step - 1;
	struct grain *g;
	uint64_t c;

	for (;;) {
		c = __atomic_load_n(&s->cursor, __ATOMIC_RELAXED);
		i = c % GRAIN_ALIGN;
		if (i + all > GRAIN_PAGES) {
			if (!cursor_renew(s, c))
				return NULL;
		} else if (__atomic_compare_exchange_n(&s->cursor, &c, c + all, false,
				   __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			break;
		}
	}
	g = (struct grain *)(c - i);
	*first = ALIGN_UP(i, step);
	if (step > 1) {
		pages_waste(s, g, i, *first);
		pages_waste(s, g, *first + n, i + all);
	}
	return g;
}

/* On return every access to the block's pages faults, here. */
static void large_unmap(struct grain *g)
{
	panic_if(pt_unmap(&dune_mappings.pt, g->base, g->base + g->len,
			 pte_tombstone(g->base >> PAGE_SHIFT)),
		"kvm: a large block could not be killed");
	flush_all();
}

static bool large_map(struct grain *g, vaddr_t canon, size_t pages)
{
	vaddr_t at = g->base + ((vaddr_t)g->first << PAGE_SHIFT), from = canon & PAGE_MASK;
	size_t len = pages << PAGE_SHIFT, done, part;

	for (done = 0; done < len; done += part) {
		/* A window of canonical addresses at a time: contiguous in guest-physical too. */
		part = MIN(len - done, GIGA_SIZE - ((from + done) & (GIGA_SIZE - 1)));
		if (pt_map(&dune_mappings.pt, at + done, at + done + part, canon_pa(from + done),
			    PTE_DATA))
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
		flush_all();
		grain_keep(g);
		return 0;
	}
	s->larges++;
	note_made(g, 0, s, NOTE_MANY | (canon & (PAGE_SIZE - 1)), size, frame);
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + (canon & (PAGE_SIZE - 1));
}

/* The second page of a block and so on. */
static void pages_rest(struct grain *g, uint32_t first, uint32_t n, vaddr_t canon)
{
	uint32_t i;

	for (i = 1; i < n; i++) {
		g->note[first + i] = NOTE_PART | i;
		__atomic_store_n(&g->leaf[first + i], entry_of(canon + ((vaddr_t)i << PAGE_SHIFT)),
			__ATOMIC_RELEASE);
	}
}

vaddr_t kalias_make(struct kvm_slot *s, vaddr_t canon, size_t size, size_t align, void *frame)
{
	pte_t entry = entry_of(canon);
	size_t off = canon & (PAGE_SIZE - 1);
	struct grain *g;
	uint32_t n, first;

	quarantine_tick(s);
	if (size > SMALL_PAGES << PAGE_SHIFT || align > HUGE_SIZE / 4)
		return large_make(s, canon, size, align, frame);
	n = (uint32_t)pages_of(canon, size);
	g = pages_take(s, n, align, &first);
	if (!g)
		return 0;
	s->more_pages += n - 1;
	note_made(g, first, s, (n > 1 ? NOTE_MANY : NOTE_ONE) | off, size, frame);
	__atomic_store_n(&g->leaf[first], entry, __ATOMIC_RELEASE);
	pages_rest(g, first, n, canon);
	return g->base + ((vaddr_t)first << PAGE_SHIFT) + off;
}

vaddr_t kalias_live(vaddr_t va)
{
	paddr_t pa;

	if (!vpages_owns(&kvm_vpages, va) || !pt_translate(&dune_mappings.pt, va, &pa))
		return 0;
	return window_pa_to_va(&dune_mappings.windows, pa);
}

static bool large_starts(const struct grain *g, vaddr_t va)
{
	return !g->dead &&
	       va == g->base + ((vaddr_t)g->first << PAGE_SHIFT) + (g->note[0] & (PAGE_SIZE - 1));
}

static vaddr_t large_kill(
	struct kvm_slot *s, struct grain *g, vaddr_t va, bool moved, void *frame, size_t *size)
{
	vaddr_t canon = kalias_detach(va);

	if (!canon)
		return 0;
	*size = note_size(g, 0);
	kalias_detached(s, va, moved, frame);
	return canon;
}

static bool small_starts(const struct grain *g, vaddr_t va, uint32_t i)
{
	uint64_t note = __atomic_load_n(&g->note[i], __ATOMIC_ACQUIRE);

	return (note & (NOTE_ONE | NOTE_MANY)) &&
	       (note & (PAGE_SIZE - 1)) == (va & (PAGE_SIZE - 1));
}

vaddr_t kalias_kill(struct kvm_slot *s, vaddr_t va, bool moved, void *frame, size_t *size)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES, n, k;
	pte_t *leaf, pte;

	if (!g)
		return 0;
	if (g->len)
		return large_kill(s, g, va, moved, frame, size);
	leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);
	if (!small_starts(g, va, i))
		return 0;
	pte = __atomic_load_n(&leaf[i], __ATOMIC_RELAXED);
	if (!(pte & PTE_P) || !__atomic_compare_exchange_n(&leaf[i], &pte, kalias_tombstone(va),
				      false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return 0;
	dune_invlpg(vaddr_ptr(va));
	s->frees++;
	*size = note_size(g, i);
	n = (uint32_t)pages_of(va, *size);
	for (k = 1; k < n; k++) {
		__atomic_store_n(&leaf[i + k], kalias_tombstone(va), __ATOMIC_RELAXED);
		dune_invlpg(vaddr_ptr((va & PAGE_MASK) + ((vaddr_t)k << PAGE_SHIFT)));
	}
	note_died(g, i, s, moved, frame);
	grain_gone(g, n);
	return kalias_entry_canon(pte) + (va & (PAGE_SIZE - 1));
}

vaddr_t kalias_canon(vaddr_t va, size_t *size)
{
	struct grain *g = grain_find(va);
	uint32_t i = (va >> PAGE_SHIFT) % GRAIN_PAGES;

	if (!g || !(g->len ? large_starts(g, va) : small_starts(g, va, i)))
		return 0;
	*size = note_size(g, g->len ? 0 : i);
	return kalias_live(va);
}

bool kalias_resize(vaddr_t va, size_t size)
{
	struct grain *g = grain_find(va);
	uint64_t *note = &g->note[g->len ? 0 : (va >> PAGE_SHIFT) % GRAIN_PAGES];

	if (pages_of(va, size) != pages_of(va, *note >> NOTE_SIZE_SHIFT))
		return false;
	*note = size << NOTE_SIZE_SHIFT | (*note & ((1UL << NOTE_SIZE_SHIFT) - 1));
	return true;
}

static bool is_dead(const struct grain *g, uint32_t i)
{
	const pte_t *leaf = __atomic_load_n(&g->leaf, __ATOMIC_ACQUIRE);

	return g->len ? g->dead : !(__atomic_load_n(&leaf[i], __ATOMIC_RELAXED) & PTE_P);
}

void kalias_find(vaddr_t va, struct block *b)
{
	struct grain *g = grain_find(va);
	uint32_t i = g && g->len ? 0 : (va >> PAGE_SHIFT) % GRAIN_PAGES;
	const struct trace *t;
	uint64_t note;

	*b = (struct block){.state = BLOCK_NONE};
	if (!vpages_owns(&kvm_vpages, va))
		return;
	b->state = grain_was_there(va) && !g ? BLOCK_DEAD : BLOCK_NEVER;
	if (!g)
		return;
	note = __atomic_load_n(&g->note[i], __ATOMIC_ACQUIRE);
	if (note & NOTE_PART) {
		i -= (uint32_t)note % GRAIN_PAGES;
		if (i >= GRAIN_PAGES)
			return;
		note = __atomic_load_n(&g->note[i], __ATOMIC_ACQUIRE);
	}
	if (!note)
		return;
	b->base = g->base + ((vaddr_t)(g->len ? g->first : i) << PAGE_SHIFT) +
		  (note & (PAGE_SIZE - 1));
	b->size = note >> NOTE_SIZE_SHIFT;
	b->state = is_dead(g, i) ? BLOCK_DEAD : BLOCK_LIVE;
	b->moved = b->state == BLOCK_DEAD && (note & NOTE_MOVED);
	if (!options.stacks)
		return;
	t = &g->trace[i];
	b->alloc_stack = t->alloc_stack;
	b->alloc_tid = t->alloc_tid;
	if (b->state == BLOCK_LIVE)
		return;
	trace_wait(t);
	b->moved = __atomic_load_n(&g->note[i], __ATOMIC_RELAXED) & NOTE_MOVED;
	b->free_stack = t->free_stack;
	b->free_tid = t->free_tid;
}

bool kalias_is_large(vaddr_t va)
{
	const struct grain *g = grain_find(va);

	return g && g->len;
}

size_t kalias_room(vaddr_t va)
{
	const struct grain *g = grain_find(va);
	size_t size = note_size(g, g->len ? 0 : (va >> PAGE_SHIFT) % GRAIN_PAGES);

	return (pages_of(va, size) << PAGE_SHIFT) - (va & (PAGE_SIZE - 1));
}

vaddr_t kalias_detach(vaddr_t va)
{
	struct grain *g = grain_find(va);
	vaddr_t canon;

	if (!large_starts(g, va) || __atomic_exchange_n(&g->dead, true, __ATOMIC_ACQ_REL))
		return 0;
	canon = kalias_live(va);
	panic_if(!canon, "kvm: live block is not mapped");
	large_unmap(g);
	return canon;
}

void kalias_attach(vaddr_t va, vaddr_t canon)
{
	struct grain *g = grain_find(va);

	panic_if(!large_map(g, canon, g->pages), "kvm: a block lost its alias for want of memory");
	g->dead = false;
}

void kalias_detached(struct kvm_slot *s, vaddr_t va, bool moved, void *frame)
{
	struct grain *g = grain_find(va);

	s->frees++;
	note_died(g, 0, s, moved, frame);
	grain_keep(g);
}
