/* ring0.c - a Linux program that is its own kernel's neighbour: see include/dune.h. */
#include "dune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *const far_page = (char *)0x100000000000; /* nothing is mapped there */

static int on_page_fault(struct dune_tf *tf)
{
	if (tf->cr2 != (uintptr_t)far_page)
		return 1; /* not ours: as if there were no handler */
	void *page = dune_page_alloc();
	strcpy(page, "filled in by the page-fault handler, in ring 0");
	return dune_map(far_page, (uintptr_t)page, 4096, DUNE_READ);
}

int main(void)
{
	const char *why;
	int err = dune_probe(&why);

	if (err || (err = dune_init(DUNE_FULL | DUNE_STATS)) || (err = dune_enter()))
		return fprintf(stderr, "ring0: %s (%d)\n", err ? why : "", err), 2;
	uint16_t cs;
	__asm__("mov %%cs, %0" : "=r"(cs));
	printf("CPL %d, CR3 %#lx\n", cs & 3, (unsigned long)dune_cr3());

	char *page = aligned_alloc(4096, 4096), *alias = far_page + 4096;
	strcpy(page, "one page, two addresses");
	dune_map(alias, dune_va_to_pa(page), 4096, DUNE_READ | DUNE_WRITE);
	printf("%s: %p and %p\n", alias, (void *)page, (void *)alias);

	dune_handler_set(14, on_page_fault);
	printf("%s\n", far_page);
	return 0;
}
