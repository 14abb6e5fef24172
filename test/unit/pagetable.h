// sources: src/dune/pagetable.c
/* pagetable.h - for tests of page tables: an arena in which they lie, and cases that begin with an empty one. */
#ifndef UNIT_PAGETABLE_H
#define UNIT_PAGETABLE_H

#include "unit.h"
#include "dune/pagetable.h"

#include <pthread.h>

/* An arena of table pages at made-up physical addresses: the bias is not 0 as it is in Dune. */
#define ARENA_PAGES 60000u
#define ARENA_PA    0x40000000UL

static struct arena {
	char *mem;
	uint32_t *free; /* stack of page numbers */
	uint32_t nfree, live;
	int fail_in; /* the n-th allocation from now fails; < 0: none         */
	bool hold;   /* freed pages are not handed out again (no epochs here) */
	pthread_mutex_t lock;
} arena = {.fail_in = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static paddr_t arena_alloc(void *ctx)
{
	paddr_t pa = 0;

	pthread_mutex_lock(&arena.lock);
	if (arena.nfree && arena.fail_in-- != 0) {
		uint32_t n = arena.free[--arena.nfree];

		memset(arena.mem + (size_t)n * PAGE_SIZE, 0, PAGE_SIZE);
		arena.live++;
		pa = ARENA_PA + (paddr_t)n * PAGE_SIZE;
	}
	pthread_mutex_unlock(&arena.lock);
	return pa;
}

static void arena_free(void *ctx, paddr_t table)
{
	uint32_t n = (uint32_t)((table - ARENA_PA) / PAGE_SIZE);

	pthread_mutex_lock(&arena.lock);
	if (!arena.hold) {
		/* Whoever still walks here crashes. */
		memset(arena.mem + (size_t)n * PAGE_SIZE, 0xff, PAGE_SIZE);
		arena.free[arena.nfree++] = n;
	}
	arena.live--;
	pthread_mutex_unlock(&arena.lock);
}

static struct pt pt;

static void start(int leaf_level)
{
	if (!arena.mem) {
		arena.mem = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE);
		arena.free = malloc(ARENA_PAGES * sizeof(*arena.free));
	}
	arena.nfree = arena.live = 0;
	for (uint32_t i = ARENA_PAGES; i-- > 0;)
		arena.free[arena.nfree++] = i;
	arena.fail_in = -1;
	arena.hold = false;
	pt = (struct pt){.bias = (uint64_t)(uintptr_t)arena.mem - ARENA_PA,
		.leaf_level = leaf_level,
		.table_alloc = arena_alloc,
		.table_free = arena_free};
	CHECK_EQ(pt_init(&pt), 0);
}

static void stop(void)
{
	CHECK_EQ(arena.live, pt.tables);
	CHECK_EQ(pt_unmap(&pt, 0, 1UL << 47, 0), 0);
	CHECK_EQ(arena.live, 1);
	CHECK_EQ(pt.tables, 1);
}

/* A case: with leaves of 1 GB, and all its tables but the first given back at the end. */
#define CASE(fn) RUN_AS(#fn, start(3); fn(); stop())

/* It succeeds, and then there are n tables. */
#define LEAVES(n, call) CHECK_EQ((call) ? -1UL : pt.tables, n)

#define G GIGA_SIZE
#define M HUGE_SIZE
#define K PAGE_SIZE
#define D PTE_DATA
#define L (PTE_DATA | PTE_PS)

#endif
