/*
 * pagetable.c - x86-64 page tables of four levels (pagetable.h).
 *
 * pure and freestanding (mk/layout.mk compiles it so). One loop, pt_run, walks all levels; each
 * operation is a step function that looks at one entry and says: next, down, or again.
 *
 * Folding is the one delicate thing: an empty table may only be unlinked when no other thread
 * can still write into it. So each of its 512 entries is frozen first (bit 2 of a non-present
 * entry); a writer that meets a frozen entry starts over at the root, and the fold gives up
 * where it meets a present entry. Readers see through the bit.
 * Breaks if: an operation writes an entry other than by compare-and-swap from what it read, or
 * folds addresses that a context able to interrupt it edits as well.
 */
#include "pagetable.h"

#include <errno.h>

#define PTE_FROZEN 4UL			   /* only where PTE_P is 0 */
#define PTE_TABLE  (PTE_P | PTE_W | PTE_A) /* what an entry above a table carries */

enum step { STEP_NEXT, STEP_DOWN, STEP_AGAIN, STEP_STOP };

struct op {
	struct pt *pt;
	int (*step)(struct op *op, struct pt_entry *e, bool covered);
	bool reader; /* sees through frozen entries                     */
	vaddr_t lo;  /* start of the range                              */
	paddr_t pa;  /* map: of lo                                      */
	pte_t set;   /* map: flags; unmap: dead; protect: bits to set   */
	pte_t clear; /* protect                                         */
	bool fill;   /* map: only what was never mapped                 */
	int (*fn)(const struct pt_entry *e, void *arg);
	void *arg;
	int ret; /* visit: what fn answered                         */
};

static pte_t *table_ptr(const struct pt *pt, paddr_t table)
{
	return (pte_t *)(uintptr_t)(table + pt->bias);
}

static pte_t slot_load(const pte_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

/* Release: whoever sees a new table sees its contents. */
static bool slot_swap(pte_t *slot, pte_t from, pte_t to)
{
	return __atomic_compare_exchange_n(
		slot, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static bool pte_is_frozen(pte_t pte)
{
	return (pte & (PTE_P | PTE_FROZEN)) == PTE_FROZEN;
}

static paddr_t table_take(struct pt *pt)
{
	paddr_t table = pt->table_alloc(pt->ctx);

	if (table)
		__atomic_add_fetch(&pt->tables, 1, __ATOMIC_RELAXED);
	return table;
}

static void table_give(struct pt *pt, paddr_t table)
{
	__atomic_sub_fetch(&pt->tables, 1, __ATOMIC_RELAXED);
	pt->table_free(pt->ctx, table);
}

/* Gives back a table of entries of `level`, and all below it. */
static void table_give_all(struct pt *pt, paddr_t table, int level)
{
	pte_t *slot = table_ptr(pt, table), pte;
	int i;

	for (i = 0; level > 1 && i < PT_FANOUT; i++) {
		pte = slot_load(&slot[i]);
		if (pte_is_table(pte, level))
			table_give_all(pt, pte_addr(pte), level - 1);
	}
	table_give(pt, table);
}

/* Walks [lo, hi), hi > lo, entry by entry; 0, or the first negative answer of a step. */
static int pt_run(struct op *op, vaddr_t lo, vaddr_t hi)
{
	paddr_t table[PT_LEVELS + 1];
	vaddr_t last = hi - 1, va = lo;
	int level = PT_LEVELS, r;
	struct pt_entry e;
	uint64_t size;

	op->lo = lo;
	table[PT_LEVELS] = op->pt->root;
	for (;;) {
		size = pt_size(level);
		e.level = level;
		e.va = va & ~(size - 1);
		e.slot = table_ptr(op->pt, table[level]) + pt_index(va, level);
		e.pte = slot_load(e.slot);
		if (pte_is_frozen(e.pte)) {
			if (!op->reader) {
				__builtin_ia32_pause();
				level = PT_LEVELS;
				continue;
			}
			e.pte &= ~PTE_FROZEN;
		}
		r = op->step(op, &e, e.va >= lo && e.va + (size - 1) <= last);
		if (r == STEP_AGAIN)
			continue;
		if (r == STEP_DOWN) {
			table[--level] = pte_addr(e.pte);
			continue;
		}
		if (r != STEP_NEXT)
			return r == STEP_STOP ? 0 : r;
		va = e.va + size;
		if (va - 1 >= last)
			return 0;
		while (level < PT_LEVELS && !pt_index(va, level))
			level++;
	}
}

static bool range_ok(vaddr_t lo, vaddr_t hi)
{
	vaddr_t half = lo >> 47;

	return !((lo | hi) & ~PAGE_MASK) && hi - 1 >= lo && half == (hi - 1) >> 47 &&
	       (half == 0 || half == 0x1ffff);
}

static int range_run(struct op *op, vaddr_t lo, vaddr_t hi)
{
	if (lo == hi)
		return 0;
	return range_ok(lo, hi) ? pt_run(op, lo, hi) : -EINVAL;
}

/* A table whose 512 entries together say what `pte` said one level up. */
static void table_spread(pte_t *slot, pte_t pte, int level)
{
	uint64_t step = 0;
	int i;

	if (!pte)
		return; /* it came zeroed */
	if (pte & PTE_P) {
		step = pt_size(level - 1);
		if (level - 1 == 1)
			pte &= ~PTE_PS;
	}
	for (i = 0; i < PT_FANOUT; i++)
		slot[i] = pte + i * step;
}

/* Down into e, which gets a table if it has none: then it is spread over that. */
static int step_down(struct op *op, struct pt_entry *e)
{
	struct pt *pt = op->pt;
	paddr_t table;

	if (pte_is_table(e->pte, e->level))
		return STEP_DOWN;
	table = table_take(pt);
	if (!table)
		return -ENOMEM;
	table_spread(table_ptr(pt, table), e->pte, e->level);
	if (slot_swap(e->slot, e->pte, table | PTE_TABLE)) {
		e->pte = table | PTE_TABLE;
		return STEP_DOWN;
	}
	table_give(pt, table); /* another thread, or the processor's A and D, came first */
	return STEP_AGAIN;
}

/* Replaces a whole entry and gives back what hung below it. */
static int step_replace(struct op *op, struct pt_entry *e, pte_t to)
{
	if (!slot_swap(e->slot, e->pte, to))
		return STEP_AGAIN;
	if (pte_is_table(e->pte, e->level))
		table_give_all(op->pt, pte_addr(e->pte), e->level - 1);
	return STEP_NEXT;
}

static int step_map(struct op *op, struct pt_entry *e, bool covered)
{
	paddr_t pa = op->pa + (e->va - op->lo);

	if (op->fill && e->pte)
		return pte_is_table(e->pte, e->level) ? STEP_DOWN : STEP_NEXT;
	if (covered && e->level <= op->pt->leaf_level && !(pa & (pt_size(e->level) - 1)))
		return step_replace(op, e, pa | op->set | (e->level > 1 ? PTE_PS : 0));
	return step_down(op, e);
}

static int step_unmap(struct op *op, struct pt_entry *e, bool covered)
{
	if (e->pte == op->set)
		return STEP_NEXT;
	return covered ? step_replace(op, e, op->set) : step_down(op, e);
}

static int step_protect(struct op *op, struct pt_entry *e, bool covered)
{
	pte_t to = (e->pte | op->set) & ~op->clear;

	if (pte_is_table(e->pte, e->level))
		return STEP_DOWN;
	if (!(e->pte & PTE_P) || to == e->pte)
		return STEP_NEXT;
	return covered ? step_replace(op, e, to) : step_down(op, e);
}

static int step_visit(struct op *op, struct pt_entry *e, bool covered)
{
	if (pte_is_table(e->pte, e->level))
		return STEP_DOWN;
	op->ret = e->pte ? op->fn(e, op->arg) : 0;
	return op->ret ? STEP_STOP : STEP_NEXT;
}

int pt_init(struct pt *pt)
{
	pt->tables = 0;
	pt->folding = 0;
	pt->root = table_take(pt);
	return pt->root ? 0 : -ENOMEM;
}

pte_t pt_walk(const struct pt *pt, vaddr_t va, struct pt_entry *e)
{
	paddr_t table = pt->root;
	int level = PT_LEVELS;
	pte_t *slot, pte;

	for (;; level--) {
		slot = table_ptr(pt, table) + pt_index(va, level);
		pte = slot_load(slot);
		if (!pte_is_table(pte, level))
			break;
		table = pte_addr(pte);
	}
	if (pte_is_frozen(pte))
		pte &= ~PTE_FROZEN;
	*e = (struct pt_entry){va & ~(pt_size(level) - 1), slot, pte, level};
	return pte;
}

pte_t pt_pml4e(const struct pt *pt, unsigned i)
{
	return slot_load(table_ptr(pt, pt->root) + i);
}

bool pt_translate(const struct pt *pt, vaddr_t va, paddr_t *pa)
{
	struct pt_entry e;

	if (!(pt_walk(pt, va, &e) & PTE_P))
		return false;
	*pa = pte_addr(e.pte) + (va - e.va);
	return true;
}

int pt_visit(const struct pt *pt, vaddr_t lo, vaddr_t hi,
	int (*fn)(const struct pt_entry *e, void *arg), void *arg)
{
	/* A reader's steps write nothing: the const holds. */
	struct op op = {
		.pt = (struct pt *)pt, .step = step_visit, .reader = true, .fn = fn, .arg = arg};
	int r = range_run(&op, lo, hi);

	return r ? r : op.ret;
}

static int map_run(struct pt *pt, vaddr_t lo, vaddr_t hi, paddr_t pa, pte_t flags, bool fill)
{
	struct op op = {.pt = pt, .step = step_map, .pa = pa, .set = flags, .fill = fill};

	if (!(flags & PTE_P) || flags & (PTE_ADDR_MASK | PTE_PS) || pa & ~PTE_ADDR_MASK)
		return -EINVAL;
	return range_run(&op, lo, hi);
}

int pt_map(struct pt *pt, vaddr_t lo, vaddr_t hi, paddr_t pa, pte_t flags)
{
	return map_run(pt, lo, hi, pa, flags, false);
}

int pt_fill(struct pt *pt, vaddr_t lo, vaddr_t hi, paddr_t pa, pte_t flags)
{
	return map_run(pt, lo, hi, pa, flags, true);
}

int pt_unmap(struct pt *pt, vaddr_t lo, vaddr_t hi, pte_t dead)
{
	struct op op = {.pt = pt, .step = step_unmap, .set = dead};
	int r;

	if (dead && !pte_is_tombstone(dead))
		return -EINVAL;
	r = range_run(&op, lo, hi);
	if (!r && !dead &&
		lo != hi) { /* whole tables inside are gone; the two edges may be empty */
		pt_fold(pt, lo, 0);
		pt_fold(pt, hi - PAGE_SIZE, 0);
	}
	return r;
}

int pt_protect(struct pt *pt, vaddr_t lo, vaddr_t hi, pte_t set, pte_t clear)
{
	struct op op = {.pt = pt, .step = step_protect, .set = set, .clear = clear};

	if ((set | clear) & (PTE_ADDR_MASK | PTE_PS | PTE_P))
		return -EINVAL;
	return range_run(&op, lo, hi);
}

/* Are all entries of the table tombstones, or all 0? *zero tells which. */
static bool table_is_dead(pte_t *slot, bool *zero)
{
	pte_t pte = slot_load(slot);
	int i;

	*zero = !pte;
	for (i = 0; i < PT_FANOUT; i++) {
		pte = slot_load(&slot[i]);
		if (*zero ? pte != 0 : !pte_is_tombstone(pte))
			return false;
	}
	return true;
}

static void table_thaw(pte_t *slot, int n)
{
	pte_t pte;
	int i;

	for (i = 0; i < n; i++) {
		pte = slot_load(&slot[i]);
		if (pte_is_frozen(pte))
			slot_swap(&slot[i], pte, pte & ~PTE_FROZEN);
	}
}

/* Freezes the whole table, or nothing. */
static bool table_freeze(pte_t *slot, bool zero)
{
	pte_t pte;
	int i;

	for (i = 0; i < PT_FANOUT; i++) {
		pte = slot_load(&slot[i]);
		if ((zero ? pte == 0 : pte_is_tombstone(pte)) &&
			slot_swap(&slot[i], pte, pte | PTE_FROZEN))
			continue;
		table_thaw(slot, i);
		return false;
	}
	return true;
}

/* Unlinks the table under `above` (an entry of `level`) if it is dead. */
static bool fold_one(struct pt *pt, pte_t *above, int level, pte_t dead)
{
	pte_t pte = slot_load(above), *slot;
	bool zero, done = false;

	if (!pte_is_table(pte, level))
		return false;
	slot = table_ptr(pt, pte_addr(pte));
	if (!table_is_dead(slot, &zero) || (!zero && !dead))
		return false;
	__atomic_add_fetch(&pt->folding, 1, __ATOMIC_SEQ_CST);
	if (table_freeze(slot, zero)) {
		done = slot_swap(above, pte, zero ? 0 : dead);
		if (!done)
			table_thaw(slot, PT_FANOUT);
	}
	__atomic_sub_fetch(&pt->folding, 1, __ATOMIC_SEQ_CST);
	if (done)
		table_give(pt, pte_addr(pte));
	return done;
}

int pt_fold(struct pt *pt, vaddr_t va, pte_t dead)
{
	pte_t *above[PT_LEVELS + 1], pte;
	paddr_t table = pt->root;
	int level = PT_LEVELS, n = 0;

	for (;; level--) {
		above[level] = table_ptr(pt, table) + pt_index(va, level);
		pte = slot_load(above[level]);
		if (!pte_is_table(pte, level))
			break;
		table = pte_addr(pte);
	}
	while (++level <= PT_LEVELS && fold_one(pt, above[level], level, dead))
		n++;
	return n;
}

/* Thaws the tables under `table`, whose entries are of `level`. */
static void thaw_all(struct pt *pt, paddr_t table, int level)
{
	pte_t *slot = table_ptr(pt, table), pte;
	int i;

	table_thaw(slot, PT_FANOUT);
	for (i = 0; level > 1 && i < PT_FANOUT; i++) {
		pte = slot_load(&slot[i]);
		if (pte_is_table(pte, level))
			thaw_all(pt, pte_addr(pte), level - 1);
	}
}

void pt_thaw(struct pt *pt)
{
	if (!pt->folding)
		return;
	thaw_all(pt, pt->root, PT_LEVELS);
	pt->folding = 0;
}
