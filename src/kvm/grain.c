/*
 * grain.c - grains: 2 MB of fresh addresses, their lowest page table, and their records.
 *
 * app context. Owns the directory that leads from an alias to its grain (one word per 2 MB of
 * the address space entries that are ours) and the memory of the grains, which is recycled but
 * never unmapped: the fault handler reads it without a lock. A grain all of whose pages are
 * dead is folded: one tombstone above it, the table back to the pool; its records stay until
 * as many others were folded as a sixteenth of the memory holds.
 */
#include "dune/dune.h"
#include "state.h"
#include "base/base.h"

#include <errno.h>
#include <sys/mman.h>

#define BATCH	 128
#define KEPT_MIN 1024U /* half a million blocks */
#define KEPT_MAX (1U << 20)

static pte_t no_leaf[GRAIN_PAGES] UD_TABLE; /* never written: nothing in it is live */
uintptr_t *grain_dir[VPAGES_SLOTS];
static uintptr_t *dir_none; /* of address space entries that are not ours; never written */
static struct lock grain_lock;
static struct grain *spare;
static struct grain *kept_few[KEPT_MIN] UD_TABLE, **kept = kept_few;
static uint32_t kept_next, kept_max = KEPT_MIN; /* a power of two */

static uint64_t grains_made, grains_folded;

static void dir_set(vaddr_t va, uintptr_t e)
{
	__atomic_store_n(&grain_dir[va >> VPAGES_SLOT_SHIFT][(va >> HUGE_SHIFT) % DIR_ENTRIES], e,
		__ATOMIC_RELEASE);
}

struct grain *grain_find(vaddr_t va)
{
	uintptr_t e = kvm_entered ? grain_entry(va) : 0;

	return (struct grain *)(e & ~DIR_WHAT);
}

bool grain_was_there(vaddr_t va)
{
	return kvm_entered && grain_entry(va);
}

static uintptr_t *dir_new(void)
{
	long r = sys_mmap(0, DIR_ENTRIES * sizeof(uintptr_t), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	return sys_is_err(r) ? NULL : (uintptr_t *)r;
}

/* How many folded grains are remembered. Sizes alone are not worth more than a few. */
static void kept_init(void)
{
	size_t room = memlimit() / 16 / sizeof(struct grain);
	uint32_t n = KEPT_MIN;
	long r;

	while (n < KEPT_MAX && n * 2 <= room)
		n *= 2;
	if (n == KEPT_MIN || !options.stacks)
		return;
	r = sys_mmap(0, n * sizeof(*kept), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_is_err(r))
		return;
	kept = (struct grain **)r;
	kept_max = n;
}

int grain_init(void)
{
	uint64_t i;

	dir_none = dir_new();
	if (!dir_none)
		return -ENOMEM;
	for (i = 0; i < VPAGES_SLOTS; i++)
		grain_dir[i] = dir_none;
	kept_init();
	return 0;
}

/* The directory of the entries that [lo, hi) touches. */
static bool dir_ready(vaddr_t lo, vaddr_t hi)
{
	uintptr_t *d;
	uint64_t i;

	for (i = lo >> VPAGES_SLOT_SHIFT; i <= (hi - 1) >> VPAGES_SLOT_SHIFT; i++) {
		if (grain_dir[i] != dir_none)
			continue;
		d = dir_new();
		if (!d)
			return false;
		__atomic_store_n(&grain_dir[i], d, __ATOMIC_RELEASE);
	}
	return true;
}

/* Grains that nobody needs go to one list; whoever needs some takes all of it. */
static void struct_give(struct grain *g)
{
	g->list = __atomic_load_n(&spare, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(
		&spare, &g->list, g, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static struct grain *struct_take(struct kvm_slot *s)
{
	struct grain *g, *rest;
	long r;
	int i;

	/* The whole list at once: a handler of ours finds it empty and looks elsewhere. */
	g = __atomic_exchange_n(&s->spare, NULL, __ATOMIC_RELAXED);
	if (!g)
		g = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQUIRE);
	if (!g) {
		r = sys_mmap(0, BATCH * sizeof(*g), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		if (sys_is_err(r))
			return NULL;
		for (i = 0; i < BATCH; i++) {
			struct grain *n = (struct grain *)r + i;

			n->list = g;
			g = n;
		}
	}
	rest = g->list;
	rest = __atomic_exchange_n(&s->spare, rest, __ATOMIC_RELAXED);
	while (rest) {
		struct grain *next = rest->list;

		struct_give(rest);
		rest = next;
	}
	return g;
}

/* The lowest table over a grain, made now. */
static pte_t *leaf_make(vaddr_t base)
{
	struct pt_entry e;
	pte_t *leaf;

	if (pt_map(&dune_mappings.pt, base, base + PAGE_SIZE, PAGEBASE, PTE_READ))
		return NULL;
	pt_walk(&dune_mappings.pt, base, &e);
	panic_if(e.level != 1, "kvm: no page table over 0x%lx", (unsigned long)base);
	leaf = (pte_t *)(vaddr_of(e.slot) & PAGE_MASK);
	/* Nobody knows the address yet, so nothing was cached. */
	__atomic_store_n(leaf, 0, __ATOMIC_RELEASE);
	return leaf;
}

/* Addresses: from this vCPU's batch; a new batch costs a lock and the signal mask. */
static vaddr_t addresses_take(struct kvm_slot *s, size_t len, size_t align)
{
	struct lock_section ls;
	vaddr_t next, at, base;
	size_t want;

	for (;;) {
		next = __atomic_load_n(&s->va_next, __ATOMIC_RELAXED);
		at = ALIGN_UP(next, (vaddr_t)align);
		if (!next || at + len > __atomic_load_n(&s->va_end, __ATOMIC_RELAXED))
			break;
		if (__atomic_compare_exchange_n(&s->va_next, &next, at + len, false,
			    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return at;
	}
	want = len > BATCH * HUGE_SIZE / 8 || align > HUGE_SIZE ? len : BATCH * HUGE_SIZE;
	lock_section_enter(&ls);
	lock_take(&grain_lock);
	base = vpages_take(&kvm_vpages, want, align);
	if (!base && want != len)
		base = vpages_take(&kvm_vpages, want = len, align);
	if (base && !dir_ready(base, base + want))
		base = 0;
	if (base && want != len) {
		s->va_end = base + want;
		s->va_next = base + len;
	}
	lock_drop(&grain_lock);
	lock_section_leave(&ls);
	return base;
}

static struct grain *grain_take(size_t len, size_t align)
{
	struct kvm_slot *s = kvm_slot_self();
	struct grain *g = struct_take(s);

	if (!g)
		return NULL;
	g->base = addresses_take(s, len, align);
	if (!g->base) {
		struct_give(g);
		return NULL;
	}
	g->leaf = no_leaf;
	g->left = GRAIN_PAGES;
	g->len = 0;
	g->dead = false;
	__atomic_add_fetch(&grains_made, 1, __ATOMIC_RELAXED);
	return g;
}

struct grain *grain_new(void)
{
	struct grain *g = grain_take(HUGE_SIZE, HUGE_SIZE);
	pte_t *leaf;

	if (!g)
		return NULL;
	leaf = leaf_make(g->base);
	if (!leaf) {
		struct_give(g);
		return NULL;
	}
	__builtin_memset(g->note, 0, sizeof(g->note));
	if (options.stacks)
		__builtin_memset(g->trace, 0, sizeof(g->trace));
	g->leaf = leaf;
	dir_set(g->base, (uintptr_t)g | DIR_SMALL);
	return g;
}

struct grain *grain_large_new(size_t pages, size_t align, uint32_t first)
{
	size_t len = ALIGN_UP((first + pages) << PAGE_SHIFT, HUGE_SIZE);
	struct grain *g = grain_take(len, MAX(align, HUGE_SIZE));
	vaddr_t va;

	if (!g)
		return NULL;
	g->len = len;
	g->pages = pages;
	g->first = first;
	g->note[0] = 0;
	g->trace[0] = (struct trace){0};
	dir_set(g->base, (uintptr_t)g);
	for (va = g->base + HUGE_SIZE; va < g->base + len; va += HUGE_SIZE)
		dir_set(va, (uintptr_t)g | DIR_PART);
	return g;
}

/* Its records are kept for a while; the oldest are forgotten. */
void grain_keep(struct grain *g)
{
	uint32_t i = __atomic_fetch_add(&kept_next, 1, __ATOMIC_RELAXED) % kept_max;
	struct grain *old = __atomic_exchange_n(&kept[i], g, __ATOMIC_ACQ_REL);
	vaddr_t va;

	__atomic_add_fetch(&grains_folded, 1, __ATOMIC_RELAXED);
	if (!old)
		return;
	for (va = old->base; va < old->base + MAX(old->len, HUGE_SIZE); va += HUGE_SIZE)
		dir_set(va, DIR_FORGOT);
	struct_give(old);
}

void grain_fold(struct grain *g)
{
	__atomic_store_n(&g->leaf, no_leaf, __ATOMIC_RELEASE);
	pt_fold(&dune_mappings.pt, g->base, pte_tombstone(g->base >> HUGE_SHIFT));
	grain_keep(g);
}

void grain_gone(struct grain *g, uint32_t pages)
{
	if (!__atomic_sub_fetch(&g->left, pages, __ATOMIC_ACQ_REL))
		grain_fold(g);
}

void grain_fork_child(void)
{
	lock_reset(&grain_lock);
}

void grain_counts(uint64_t *made, uint64_t *folded)
{
	*made = grains_made;
	*folded = grains_folded;
}
