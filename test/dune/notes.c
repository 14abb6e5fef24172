/*
 * notes.c - notes full|precise: each mechanism, address and formula of the design notes that this
 * layer descends from, under its own name, in a live process in ring 0. One line for each; status 0
 * if all are so.
 */
#include "dune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define G 0x40000000UL

#define PAGEBASE       0x200000000UL
#define GPA_STACK_SIZE (1 * G)
#define GPA_MAP_SIZE   (63 * G)
#define phys_limit     (512 * G)
#define PTE_ADDR       0xffffffffff000UL

static int failed, tables;

static void so(const char *what, int is)
{
	printf("%s %s\n", is ? "ok" : "not ok", what);
	failed |= !is;
}

/* The physical address that the tables give. */
static uint64_t walked(const void *va)
{
	int level;
	uint64_t *entry, pte = dune_walk(va, &level, &entry);
	uint64_t size = 1UL << (12 + 9 * (level - 1));

	return pte ? (pte & PTE_ADDR & ~(size - 1)) + ((uintptr_t)va & (size - 1)) : ~0UL;
}

static int identity(const void *va)
{
	return walked(va) == (uintptr_t)va && dune_va_to_pa(va) == (uintptr_t)va &&
	       dune_pa_to_va((uintptr_t)va) == va;
}

static int in_pool(uint64_t pa)
{
	return pa >= PAGEBASE && pa < PAGEBASE + 32 * G;
}

/* All tables lie in the pool, and ring 0 reads them at their own addresses. */
static int table_check(uint64_t table, int level)
{
	const uint64_t *e = (const uint64_t *)table;
	int good = in_pool(table) && identity(e);

	tables++;
	for (int i = 0; good && level > 1 && i < 512; i++)
		if ((e[i] & 1) && !(e[i] >> 7 & 1))
			good = table_check(e[i] & PTE_ADDR, level - 1);
	return good;
}

static int on_fault(struct dune_tf *tf)
{
	if (tf->cr2 != 0x110000000000)
		return 1;
	return dune_map(
		(void *)tf->cr2, (uintptr_t)dune_page_alloc(), 4096, DUNE_READ | DUNE_WRITE);
}

static int count_one(uintptr_t va, uint64_t entry, int level, void *arg)
{
	++*(int *)arg;
	return 0;
}

static void windows_are_so(void)
{
	char *low = mmap((void *)0x70000000, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	char *lib = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char local = 1;
	uint64_t pa;

	*low = *lib = local;
	so("low memory is identity-mapped", identity(low));
	pa = dune_va_to_pa(lib);
	so("mmap: GPA_MAP_SIZE below phys_limit - GPA_STACK_SIZE",
		pa >= phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE &&
			pa < phys_limit - GPA_STACK_SIZE && pa == dune_mmap_addr_to_pa(lib));
	so("its inverse", dune_pa_to_mmap_addr(pa) == lib && dune_pa_to_va(pa) == lib);
	so("the page walk says so too", walked(lib) == pa);
	pa = dune_va_to_pa(&local);
	so("stack: GPA_STACK_SIZE below phys_limit", pa >= phys_limit - GPA_STACK_SIZE &&
							     pa < phys_limit &&
							     pa == dune_stack_addr_to_pa(&local));
	so("its inverse", dune_pa_to_stack_addr(pa) == &local && dune_pa_to_va(pa) == &local);
	so("the page walk says so too", walked(&local) == pa);
	/* A spill: what the old layout had no place for. */
	lib = mmap((void *)0x300000000000, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	so("a far mapping has no place before its first touch", dune_va_to_pa(lib) == ~0UL);
	*lib = 1;
	pa = dune_va_to_pa(lib);
	so("and then one between the pool and the mmap window",
		pa >= PAGEBASE + 32 * G && pa < phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE);
	so("and back", walked(lib) == pa && dune_pa_to_va(pa) == lib);
}

static void aliases_are_so(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *alias = (char *)0x100000000000;
	int n = 0;

	strcpy(page, "x");
	so("not remapped: the walk gives dune_va_to_pa", walked(page) == dune_va_to_pa(page));
	so("map", !dune_map(alias, dune_va_to_pa(page), 4096, DUNE_READ | DUNE_WRITE));
	alias[0] = 'y';
	so("remapped: another address, the same bytes", page[0] == 'y');
	so("detected: the walk does not give dune_va_to_pa", walked(alias) != dune_va_to_pa(alias));
	so("the original address", dune_pa_to_va(walked(alias)) == page);
	so("a walk with a callback finds it",
		!dune_visit((uintptr_t)alias, (uintptr_t)alias + 8192, count_one, &n) && n == 1);
	so("protect", !dune_protect(alias, 4096, DUNE_READ) && !(dune_walk(alias, NULL, NULL) & 2));
	so("unmap", !dune_unmap(alias, 4096) && !dune_walk(alias, NULL, NULL));
	dune_invlpg(alias);
	dune_handler_set(14, on_fault);
	*(volatile char *)0x110000000000 = 3;
	so("a page fault of its own", *(char *)0x110000000000 == 3);
	so("no more of its own", !dune_handler_set(14, NULL));
}

int main(int argc, char **argv)
{
	int precise = argc > 1 && !strcmp(argv[1], "precise");
	const char *why = "";
	char *page;

	if (dune_probe(&why)) {
		printf("%s\n", why);
		return 77;
	}
	setbuf(stdout, malloc(65536));
	so("dune_init", !dune_init(precise ? DUNE_PRECISE : DUNE_FULL));
	so("not in ring 0 yet", !dune_inside());
	so("dune_enter", !dune_enter() && dune_inside());
	page = dune_page_alloc();
	so("page_alloc: from PAGEBASE on", in_pool((uintptr_t)page));
	so("identity-mapped", identity(page));
	dune_page_ref(page);
	so("counted", !dune_page_unref(page) && dune_page_unref(page));
	dune_page_free(dune_page_alloc());
	so("refused: no such exception, another dune_init",
		dune_handler_set(32, on_fault) == -EINVAL && dune_init(DUNE_FULL) == -EALREADY);
	so("all page tables too, the PML4 as well", table_check(dune_cr3() & PTE_ADDR, 4));
	printf("%d tables\n", tables);
	windows_are_so();
	aliases_are_so();
	so("left, which can be done once",
		!dune_leave() && !dune_inside() && dune_leave() == -EINVAL);
	return failed;
}
