/*
 * guestmem.c - vmm context: the program's memory, by the addresses the program uses.
 *
 * An alias is mapped in the guest only; it is followed through the page tables to the host
 * address of its canonical page. What the guest has not touched yet is where the host has it.
 */
#include "thread.h"

#include <errno.h>

static int host_address(vaddr_t va, vaddr_t *hva)
{
	struct pt_entry e;
	pte_t pte = pt_walk(&dune_mappings.pt, va, &e);

	if (pte & PTE_P) {
		*hva = window_pa_to_va(
			&dune_mappings.windows, pte_addr(pte) + (va & (pt_size(e.level) - 1)));
		return *hva == VADDR_NONE ? -EFAULT : 0;
	}
	*hva = va;
	return pte ? -EFAULT : 0;
}

static int copy(void *host, vaddr_t va, size_t n, bool write)
{
	uint8_t *p = host;
	vaddr_t hva;

	while (n) {
		size_t part = MIN(n, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
		long err = host_address(va, &hva);

		if (!err)
			err = write ? user_copy(vaddr_ptr(hva), p, part)
				    : user_copy(p, vaddr_ptr(hva), part);
		if (err)
			return -EFAULT;
		p += part;
		va += part;
		n -= part;
	}
	return 0;
}

int guest_read(void *dst, vaddr_t src, size_t n)
{
	return copy(dst, src, n, false);
}

int guest_write(vaddr_t dst, const void *src, size_t n)
{
	return copy((void *)(uintptr_t)src, dst, n, true);
}
