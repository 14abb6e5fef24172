/*
 * api.c - app context: the page tables and handlers of dune.h, for a program in ring 0 itself.
 *
 * No exit in here, and no lock but the table's own atomic entries.
 */
#include "mappings.h"
#include "page.h"
#include "thread.h"

#include <errno.h>

DUNE_API void *dune_page_alloc(void)
{
	return page_alloc();
}

DUNE_API void dune_page_free(void *page)
{
	page_free(page);
}

DUNE_API void dune_page_ref(void *page)
{
	page_ref(page);
}

DUNE_API int dune_page_unref(void *page)
{
	return page_unref(page);
}

static pte_t prot_flags(unsigned prot)
{
	return PTE_P | PTE_A | PTE_D | (prot & DUNE_WRITE ? PTE_W : 0) |
	       (prot & DUNE_EXEC ? 0 : PTE_NX);
}

DUNE_API int dune_map(void *va, uint64_t pa, size_t len, unsigned prot)
{
	return pt_map(&dune_mappings.pt, vaddr_of(va), vaddr_of(va) + len, pa, prot_flags(prot));
}

DUNE_API int dune_unmap(void *va, size_t len)
{
	/* A tombstone: else the next fault there would map what the host has. */
	return pt_unmap(&dune_mappings.pt, vaddr_of(va), vaddr_of(va) + len, pte_tombstone(0));
}

DUNE_API int dune_protect(void *va, size_t len, unsigned prot)
{
	return pt_protect(&dune_mappings.pt, vaddr_of(va), vaddr_of(va) + len,
		prot_flags(prot) & (PTE_W | PTE_NX), ~prot_flags(prot) & (PTE_W | PTE_NX));
}

DUNE_API uint64_t dune_walk(const void *va, int *level, uint64_t **entry)
{
	struct pt_entry e;
	pte_t pte = pt_walk(&dune_mappings.pt, vaddr_of(va), &e);

	if (level)
		*level = e.level;
	if (entry)
		*entry = e.slot;
	return pte & PTE_P ? pte : 0;
}

struct visit {
	int (*fn)(uintptr_t va, uint64_t entry, int level, void *arg);
	void *arg;
};

static int visit_one(const struct pt_entry *e, void *arg)
{
	struct visit *v = arg;

	return e->pte & PTE_P ? v->fn(e->va, e->pte, e->level, v->arg) : 0;
}

DUNE_API int dune_visit(uintptr_t lo, uintptr_t hi,
	int (*fn)(uintptr_t va, uint64_t entry, int level, void *arg), void *arg)
{
	struct visit v = {fn, arg};

	return pt_visit(&dune_mappings.pt, lo, hi, visit_one, &v);
}

DUNE_API int dune_handler_set(unsigned vector, int (*fn)(struct dune_tf *tf))
{
	uint64_t bit = 1UL << (vector & 63);

	if (vector >= MONITOR_VECTORS || vm.fd < 0)
		return -EINVAL;
	if (fn)
		__atomic_store_n(&vm.handlers[vector], fn, __ATOMIC_RELEASE);
	if (fn)
		__atomic_fetch_or(&vm.handled, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&vm.handled, ~bit, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < THREAD_MAX && threads[i]; i++)
		if (threads[i]->cpu)
			__atomic_store_n(&threads[i]->cpu->handled, vm.handled, __ATOMIC_SEQ_CST);
	return 0;
}
