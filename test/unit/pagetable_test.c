/*
 * The page tables without a VM: tables of expected mappings, random operations against a flat
 * model (with allocations that fail).
 */
#include "pagetable.h"

#include <errno.h>

static void again(int leaf_level)
{
	stop();
	start(leaf_level);
}

/* ---- tables of expected mappings ---- */

struct seen {
	vaddr_t va;
	int level;
	pte_t pte;
};

static struct seen seen[64];
static int nseen;

static int collect(const struct pt_entry *e, void *arg)
{
	if (nseen < (int)ARRAY_LEN(seen))
		seen[nseen] = (struct seen){e->va, e->level, e->pte};
	nseen++;
	return 0;
}

static void expect_at(int line, const struct seen *want, int n)
{
	nseen = 0;
	CHECK_EQ(pt_visit(&pt, 0, 1UL << 47, collect, NULL), 0);
	if (nseen != n) {
		printf("# line %d: %d entries, want %d\n", line, nseen, n);
		unit_failed_checks++;
	}
	for (int i = 0; i < nseen && i < (int)ARRAY_LEN(seen); i++)
		if (i >= n || seen[i].va != want[i].va || seen[i].level != want[i].level ||
			seen[i].pte != want[i].pte) {
			printf("# line %d: [%d] va %#lx level %d pte %#lx\n", line, i, seen[i].va,
				seen[i].level, seen[i].pte);
			unit_failed_checks++;
		}
}

#define EXPECT(...)                                           \
	do {                                                  \
		struct seen want_[] = {__VA_ARGS__};          \
		expect_at(__LINE__, want_, ARRAY_LEN(want_)); \
	} while (0)
#define EXPECT_NOTHING() expect_at(__LINE__, NULL, 0)

/* What stands there, in a table of that level. */
#define WALK(va, want, lvl)                            \
	do {                                           \
		struct pt_entry e_;                    \
		CHECK_EQ(pt_walk(&pt, va, &e_), want); \
		CHECK_EQ(e_.level, lvl);               \
	} while (0)

static void largest_leaves(void)
{
	CHECK_EQ(pt_map(&pt, 2 * G, 4 * G, 7 * G, D), 0);
	EXPECT({2 * G, 3, 7 * G | L}, {3 * G, 3, 8 * G | L});
	CHECK_EQ(pt.tables, 2); /* PML4 and one PDPT */
	CHECK_EQ(pt_map(&pt, 4 * G, 4 * G + M, 5 * M, D), 0);
	CHECK_EQ(pt_map(&pt, 5 * G - K, 5 * G, 0, D), 0);
	EXPECT({2 * G, 3, 7 * G | L}, {3 * G, 3, 8 * G | L}, {4 * G, 2, 5 * M | L},
		{5 * G - K, 1, 0 | D});
	/* Congruent modulo 2 MB but not 1 GB; no 1 GB leaves; neither. */
	again(3);
	LEAVES(3, pt_map(&pt, G, 2 * G, M, D));
	again(2);
	LEAVES(3, pt_map(&pt, G, 2 * G, G, D));
	again(1);
	LEAVES(3 + 512, pt_map(&pt, G, 2 * G, G, D));
	/* The last window of user space: 1 GB - 4 KB. */
	again(3);
	LEAVES(4, pt_map(&pt, 0x7fffc0000000, 0x7ffffffff000, 511 * G, D));
	CHECK_EQ(pt_walk(&pt, 0x7ffffffff000, &(struct pt_entry){0}), 0);
	CHECK(pt_walk(&pt, 0x7fffffffe000, &(struct pt_entry){0}) == (512 * G - 2 * K) + D);
}

static void splits(void)
{
	struct pt_entry e;
	paddr_t pa;

	CHECK_EQ(pt_map(&pt, G, 2 * G, 3 * G, D), 0);
	LEAVES(4, pt_protect(&pt, G + M, G + M + K, 0, PTE_NX));
	WALK(G, 3 * G | L, 2);
	WALK(G + M, (3 * G + M) | (D & ~PTE_NX), 1);
	CHECK_EQ(pt_walk(&pt, G + M + 5 * K + 123, &e), (3 * G + M + 5 * K) | D);
	CHECK_EQ(e.va, G + M + 5 * K);
	CHECK_EQ(pt_walk(&pt, 2 * G - 1, &e), (4 * G - M) | L);
	CHECK(pt_translate(&pt, G + 0x12345678, &pa));
	CHECK_EQ(pa, 3 * G + 0x12345678);
	CHECK(!pt_translate(&pt, 2 * G, &pa));
	/* Setting what is set already splits nothing. */
	LEAVES(4, pt_protect(&pt, G + 10 * M + K, G + 20 * M - K, PTE_NX, 0));
	/* A whole leaf over the pieces gives the tables back. */
	CHECK_EQ(pt_map(&pt, G, 2 * G, 9 * G, D), 0);
	EXPECT({G, 3, 9 * G | L});
	CHECK_EQ(pt.tables, 2);
}

static void tombstones(void)
{
	pte_t t = pte_tombstone(0x123456789abcdef), u = pte_tombstone(0);
	struct pt_entry e;

	CHECK(pte_is_tombstone(t) && pte_is_tombstone(u) && u && !pte_is_tombstone(0));
	CHECK(!(t & PTE_P) && !pte_is_tombstone(PTE_DATA));
	CHECK_EQ(pte_payload(t), 0x123456789abcdef);
	CHECK_EQ(pte_payload(pte_tombstone((1UL << 61) - 1)), (1UL << 61) - 1);
	CHECK_EQ(pt_map(&pt, 10 * M, 11 * M, 3 * M, D), 0);
	CHECK_EQ(pt_unmap(&pt, 10 * M + K, 10 * M + 2 * K, t), 0); /* splits the 2 MB leaf */
	WALK(10 * M + K, t, 1);
	CHECK_EQ(pt_walk(&pt, 10 * M, &e), 3 * M | D);
	CHECK_EQ(pt.tables, 4);
	/* Fill leaves it alone, and the leaves too. */
	CHECK_EQ(pt_fill(&pt, 9 * M, 12 * M, 0, D), 0);
	CHECK_EQ(pt_walk(&pt, 10 * M + K, &e), t);
	CHECK_EQ(pt_walk(&pt, 10 * M, &e), 3 * M | D);
	CHECK_EQ(pt_walk(&pt, 9 * M, &e), 0 | L);
	CHECK_EQ(pt_walk(&pt, 11 * M, &e), 2 * M | L);
	/* One tombstone for all: no table left below. */
	CHECK_EQ(pt_unmap(&pt, 9 * M, 12 * M, u), 0);
	EXPECT({9 * M, 2, u}, {10 * M, 2, u}, {11 * M, 2, u});
	CHECK_EQ(pt.tables, 3);
	/* Something new in the middle of a large tombstone: the rest stays dead. */
	CHECK_EQ(pt_map(&pt, 10 * M + 8 * K, 10 * M + 9 * K, K, D), 0);
	CHECK_EQ(pt_walk(&pt, 10 * M + 7 * K, &e), u);
	CHECK_EQ(pt_walk(&pt, 10 * M + 8 * K, &e), K | D);
	CHECK_EQ(pt_walk(&pt, 10 * M + 9 * K, &e), u);
	CHECK_EQ(pt_unmap(&pt, 9 * M, 12 * M, 0), 0);
	EXPECT_NOTHING();
	CHECK_EQ(pt.tables, 1);
}

static void folds(void)
{
	pte_t t = pte_tombstone(1), dead = pte_tombstone(99);
	vaddr_t va;

	for (va = 4 * G; va < 4 * G + M; va += K) {
		CHECK_EQ(pt_fold(&pt, va, dead), 0);
		CHECK_EQ(pt_map(&pt, va, va + K, va - 4 * G, D), 0);
		CHECK_EQ(pt_fold(&pt, va, dead), 0);
	}
	CHECK_EQ(pt.tables, 4);
	for (va = 4 * G; va < 4 * G + M; va += K) {
		CHECK_EQ(pt_unmap(&pt, va, va + K, t + ((va & 0xff000) << 8)), 0);
		CHECK_EQ(pt_fold(&pt, va, dead), va == 4 * G + M - K ? 1 : 0);
	}
	EXPECT({4 * G, 2, dead});
	CHECK_EQ(pt.tables, 3);
	CHECK_EQ(pt_unmap(&pt, 4 * G + M, 5 * G, t), 0);
	CHECK_EQ(pt_fold(&pt, 4 * G, 0), 0); /* never into `never mapped` */
	CHECK_EQ(pt_fold(&pt, 4 * G, dead), 1);
	EXPECT({4 * G, 3, dead});
	/* Empty tables vanish up to the root. */
	LEAVES(1, pt_unmap(&pt, 4 * G, 5 * G, 0));
	CHECK_EQ(pt.folding, 0);
}

static void upper_half(void)
{
	vaddr_t vs = 0xffffffffff600000, top = 0xffff800000000000;
	struct pt_entry e;

	CHECK_EQ(pt_map(&pt, vs, vs + K, 5 * K, PTE_CODE), 0);
	CHECK_EQ(pt_walk(&pt, vs + 0x400, &e), 5 * K | PTE_CODE);
	CHECK_EQ(e.va, vs);
	CHECK_EQ(pt_map(&pt, 0 - G, 0, G, D), 0); /* up to the very end */
	CHECK_EQ(pt_walk(&pt, ~0UL, &e), G | L);
	nseen = 0;
	CHECK_EQ(pt_visit(&pt, top, 0, collect, NULL), 0);
	CHECK_EQ(nseen, 1);
	CHECK_EQ(seen[0].va, 0 - G);
	CHECK_EQ(seen[0].level, 3);
	LEAVES(1, pt_unmap(&pt, top, 0, 0));
}

static int stop_at_two(const struct pt_entry *e, void *arg)
{
	return ++*(int *)arg == 2 ? 42 : 0;
}

static void refusals(void)
{
	int n = 0;

	CHECK_EQ(pt_map(&pt, K + 1, 2 * K, 0, D), -EINVAL);
	CHECK_EQ(pt_map(&pt, 2 * K, K, 0, D), -EINVAL);
	CHECK_EQ(pt_map(&pt, K, 2 * K, 5, D), -EINVAL);
	CHECK_EQ(pt_map(&pt, K, 2 * K, 0, D & ~PTE_P), -EINVAL);
	CHECK_EQ(pt_map(&pt, K, 2 * K, 0, D | PTE_PS), -EINVAL);
	CHECK_EQ(pt_map(&pt, 0x7ffffffff000, 0x800000001000, 0, D), -EINVAL); /* both halves */
	CHECK_EQ(pt_map(&pt, 0x1000000000000, 0x1000000001000, 0, D), -EINVAL);
	CHECK_EQ(pt_unmap(&pt, K, 2 * K, PTE_DATA), -EINVAL);
	CHECK_EQ(pt_protect(&pt, K, 2 * K, PTE_P, 0), -EINVAL);
	CHECK_EQ(pt_map(&pt, K, K, 0, D), 0);
	CHECK_EQ(pt_unmap(&pt, 0, 1UL << 47, 0), 0);
	EXPECT_NOTHING();
	CHECK_EQ(pt.tables, 1);
	CHECK_EQ(pt_map(&pt, 0, 10 * K, 0, D), 0);
	CHECK_EQ(pt_visit(&pt, 0, 1UL << 47, stop_at_two, &n), 42);
	CHECK_EQ(n, 2);
}

/* What a fork leaves in the child when another thread was in the middle of a fold. */
static void thaw(void)
{
	pte_t t = pte_tombstone(7);
	struct pt_entry e;
	int i;

	CHECK_EQ(pt_map(&pt, G, G + M, 0, D), 0);
	CHECK_EQ(pt_unmap(&pt, G, G + K, t), 0);
	CHECK_EQ(pt_unmap(&pt, G + K, G + M, t), 0);
	pt_walk(&pt, G, &e);
	for (i = 0; i < 300; i++)
		e.slot[i] |= 4;
	pt.folding = 1;
	CHECK_EQ(pt_walk(&pt, G, &e), t); /* readers see through it */
	pt_thaw(&pt);
	CHECK_EQ(pt.folding, 0);
	CHECK_EQ(*e.slot, t);
	CHECK_EQ(pt_map(&pt, G, G + 2 * K, 0, D), 0);
	CHECK_EQ(pt_walk(&pt, G + K, &e), K | D);
}

/* ---- random operations against a flat model ---- */

#define MODEL_LO    (510 * G) /* across a PML4 boundary */
#define MODEL_PAGES (4 * (G / K))

static pte_t *model; /* per 4 KB page: its entry as if it were a 4 KB one */
static uint64_t rng = 88172645463325252UL;

static uint64_t rnd(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % n;
}

struct check {
	size_t next; /* first page not compared yet */
	size_t bad;
};

/* Of page i of what the entry covers. */
static pte_t page_pte(const struct pt_entry *e, size_t i)
{
	if (!(e->pte & PTE_P))
		return e->pte;
	return (e->pte & ~(e->level > 1 ? PTE_PS : 0)) + i * K;
}

static int check_entry(const struct pt_entry *e, void *arg)
{
	size_t n = pt_size(e->level) / K, at = (e->va - MODEL_LO) / K, i;
	struct check *c = arg;

	if (pte_is_leaf(e->pte, e->level) && e->level > pt.leaf_level)
		c->bad++;
	for (; c->next < at; c->next++)
		c->bad += model[c->next] != 0;
	for (i = 0; i < n; i++)
		c->bad += model[at + i] != page_pte(e, i);
	c->next = at + n;
	return 0;
}

static void model_check(int op)
{
	struct check c = {0, 0};
	struct pt_entry e;

	pt_visit(&pt, MODEL_LO, MODEL_LO + MODEL_PAGES * K, check_entry, &c);
	for (; c.next < MODEL_PAGES; c.next++)
		c.bad += model[c.next] != 0;
	for (int i = 0; i < 2000; i++) { /* the walker's view */
		size_t p = rnd(MODEL_PAGES);

		pt_walk(&pt, MODEL_LO + p * K + rnd(K), &e);
		c.bad += page_pte(&e, p - (e.va - MODEL_LO) / K) != model[p];
	}
	if (c.bad) {
		printf("# after operation %d: %zu pages differ\n", op, c.bad);
		unit_failed_checks++;
	}
}

/* After a failed call the pages of the range may be old or new: the model follows. */
static void model_adopt(size_t lo, size_t hi, const pte_t *want)
{
	struct pt_entry e;
	size_t bad = 0;

	for (size_t p = lo; p < hi; p++) {
		pt_walk(&pt, MODEL_LO + p * K, &e);
		pte_t is = page_pte(&e, p - (e.va - MODEL_LO) / K);

		bad += is != model[p] && is != want[p - lo];
		model[p] = is;
	}
	CHECK_EQ(bad, 0);
}

static size_t random_bound(size_t *len)
{
	static const size_t unit[] = {1, 1, 512, 512, 512 * 512};
	size_t u = unit[rnd(ARRAY_LEN(unit))];
	size_t lo = rnd(MODEL_PAGES / u) * u, v = unit[rnd(ARRAY_LEN(unit))];

	v *= 1 + rnd(4);
	*len = MIN(v, MODEL_PAGES - lo);
	return lo;
}

static void random_op(pte_t *want)
{
	static const pte_t flags[] = {PTE_DATA, PTE_READ, PTE_CODE};
	pte_t f = flags[rnd(3)], dead = rnd(2) ? pte_tombstone(rnd(1000)) : 0;
	int op = (int)rnd(5), r;
	size_t len, lo = random_bound(&len), i;
	vaddr_t va = MODEL_LO + lo * K, end = va + len * K;
	paddr_t pa = rnd(2) ? rnd(256) * G + (va & (G - 1)) : rnd(1 << 20) * K;
	pte_t set = rnd(2) ? PTE_NX : 0, clear = rnd(2) ? PTE_W : 0;

	for (i = 0; i < len; i++) {
		pte_t old = model[lo + i];

		want[i] = old;
		if (op <= 1 || (op == 2 && !old))
			want[i] = (pa + i * K) | f;
		else if (op == 3)
			want[i] = dead;
		else if (op > 3 && old & PTE_P)
			want[i] = (old | set) & ~clear;
	}
	if (op <= 1)
		r = pt_map(&pt, va, end, pa, f);
	else if (op == 2)
		r = pt_fill(&pt, va, end, pa, f);
	else if (op == 3)
		r = pt_unmap(&pt, va, end, dead);
	else
		r = pt_protect(&pt, va, end, set, clear);
	CHECK(r == 0 || (r == -ENOMEM && arena.fail_in == -1));
	if (r)
		model_adopt(lo, lo + len, want);
	else
		memcpy(model + lo, want, len * sizeof(*want));
}

static void random_against_model(void)
{
	pte_t *want = malloc(MODEL_PAGES * sizeof(*want));

	model = malloc(MODEL_PAGES * sizeof(*model));
	for (int leaf = 1; leaf <= 3; leaf++) {
		again(leaf);
		memset(model, 0, MODEL_PAGES * sizeof(*model));
		for (int i = 0; i < 150; i++) {
			if (rnd(4) == 0)
				arena.fail_in = (int)rnd(6);
			random_op(want);
			arena.fail_in = -1;
			model_check(i);
			if (unit_failed_checks)
				break;
		}
		CHECK_EQ(arena.live, pt.tables);
		LEAVES(1, pt_unmap(&pt, MODEL_LO, MODEL_LO + MODEL_PAGES * K, 0));
	}
	free(want);
	free(model);
}

int main(void)
{
	CASE(largest_leaves);
	CASE(splits);
	CASE(tombstones);
	CASE(folds);
	CASE(upper_half);
	CASE(refusals);
	CASE(thaw);
	CASE(random_against_model);
	return UNIT_END();
}
