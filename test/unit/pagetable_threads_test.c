/* Page tables that threads share: pages of their own, tables in common, folded all the time. */
#include "pagetable.h"

#define WORKERS 3
static vaddr_t shared_base = 500 * G;
static bool finished;
static int torn;

static void *worker(void *arg)
{
	uint64_t me = (uint64_t)(uintptr_t)arg, seed = me * 7919 + 1;
	struct pt_entry e;

	for (int i = 0; i < 6000; i++) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		/* 2 tables of 4 KB pages, now and then 2 MB, in one 1 GB. */
		vaddr_t va = shared_base + ((seed >> 33) % 2) * M +
			     (seed >> 40) % 64 * WORKERS * K + me * K;
		vaddr_t huge = shared_base + (2 + me) * M;
		bool bad = false;

		if (i % 16 == 0) {
			bad |= pt_map(&pt, huge, huge + M, me * M, D) != 0;
			bad |= pt_protect(&pt, huge + 9 * K, huge + 10 * K, 0, PTE_NX) != 0;
			bad |= !(pt_walk(&pt, huge + 10 * K, &e) & PTE_P);
			bad |= pt_unmap(&pt, huge, huge + M, 0) != 0;
			bad |= pt_walk(&pt, huge, &e) != 0;
		}
		bad |= pt_walk(&pt, va, &e) != 0;
		bad |= pt_map(&pt, va, va + K, va, D) != 0;
		bad |= pt_walk(&pt, va, &e) != (va | D);
		bad |= pt_protect(&pt, va, va + K, 0, PTE_W) != 0;
		bad |= pt_walk(&pt, va, &e) != (va | (D & ~PTE_W));
		bad |= pt_unmap(&pt, va, va + K, 0) != 0;
		bad |= pt_walk(&pt, va, &e) != 0;
		__atomic_fetch_add(&torn, bad, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *watcher(void *arg)
{
	struct pt_entry e;

	while (!__atomic_load_n(&finished, __ATOMIC_RELAXED))
		for (vaddr_t va = shared_base; va < shared_base + 2 * M; va += K) {
			pte_t pte = pt_walk(&pt, va, &e);

			if (pte && (pte | PTE_W) != (va | D))
				__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
		}
	return NULL;
}

static void threads_share_tables(void)
{
	pthread_t t[WORKERS], w;

	arena.hold = true;
	pthread_create(&w, NULL, watcher, NULL);
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&finished, true, __ATOMIC_RELAXED);
	pthread_join(w, NULL);
	CHECK_EQ(torn, 0);
	CHECK_EQ(pt.folding, 0);
	/* Two threads may give up the same fold in each other's favour; a last one finds all. */
	LEAVES(1, pt_unmap(&pt, shared_base, shared_base + G, 0));
}

int main(void)
{
	CASE(threads_share_tables);
	return UNIT_END();
}
