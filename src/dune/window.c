/*
 * window.c - windows: HVA >> 30 <-> GPA >> 30 (window.h).
 *
 * pure. A claim takes two steps: the GPA index is taken (hva_of, compare-and-swap from free),
 * then the answer is published (gpa_of, compare-and-swap from none). Whoever loses the second
 * step gives its index back, by compare-and-swap too: it may have a new owner by then.
 * Breaks if: anything but the publication is taken for the answer.
 */
#include "window.h"

#include <errno.h>

#define HVA_RESERVED ~0u
#define NO_INDEX     ~0u

static uint32_t low_end(const struct windows *w)
{
	return (uint32_t)((w->phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE) >> GIGA_SHIFT);
}

/* The GPA index that the classical layout gives to host window h, or NO_INDEX. */
static uint32_t policy_gpa(const struct windows *w, uint32_t h)
{
	vaddr_t hva = (vaddr_t)h << GIGA_SHIFT;

	if (h < low_end(w))
		return h;
	if (hva >= w->stack_base && hva - w->stack_base < GPA_STACK_SIZE)
		return (uint32_t)(window_stack_addr_to_pa(w, hva) >> GIGA_SHIFT);
	if (hva >= w->mmap_base && hva - w->mmap_base < GPA_MAP_SIZE)
		return (uint32_t)(window_mmap_addr_to_pa(w, hva) >> GIGA_SHIFT);
	return NO_INDEX;
}

/* Its inverse: every index below phys_limit has exactly one classical owner. */
static vaddr_t policy_hva(const struct windows *w, paddr_t pa)
{
	if (pa >= w->phys_limit - GPA_STACK_SIZE)
		return window_pa_to_stack_addr(w, pa);
	if (pa >= w->phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE)
		return window_pa_to_mmap_addr(w, pa);
	return pa;
}

int window_init(
	struct windows *w, unsigned phys_bits, vaddr_t mmap_top, vaddr_t stack, paddr_t keep)
{
	vaddr_t top, low;

	phys_bits = MIN(phys_bits, WINDOW_PHYS_BITS);
	if (phys_bits < WINDOW_PHYS_LEAST || stack >= WINDOW_TASK_SIZE)
		return -EINVAL;
	w->phys_limit = 1UL << phys_bits;
	low = w->phys_limit - GPA_STACK_SIZE - GPA_MAP_SIZE;
	if (keep > low)
		return -EINVAL;
	w->keep = keep;
	w->stack_base = ALIGN_DOWN(stack, GIGA_SIZE);
	top = MIN(ALIGN_UP(mmap_top, GIGA_SIZE), w->stack_base);
	/* A process that lives low down needs no window there: identity goes on instead. */
	w->mmap_base = top < low + GPA_MAP_SIZE ? low : top - GPA_MAP_SIZE;
	return w->stack_base < low ? -EINVAL : 0;
}

int window_reserve(struct windows *w, paddr_t gpa)
{
	uint32_t none = 0;

	if (gpa >= w->phys_limit)
		return -EINVAL;
	return __atomic_compare_exchange_n(&w->hva_of[gpa >> GIGA_SHIFT], &none, HVA_RESERVED,
		       false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
			       none == HVA_RESERVED
		       ? 0
		       : -EBUSY;
}

/* Takes GPA index g for host window h; true also if another thread did so for the same h. */
static bool index_take(struct windows *w, uint32_t g, uint32_t h)
{
	uint32_t none = 0;

	return __atomic_compare_exchange_n(
		       &w->hva_of[g], &none, h + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
	       none == h + 1;
}

static uint32_t index_find(struct windows *w, uint32_t h)
{
	uint32_t g = policy_gpa(w, h);

	if (g != NO_INDEX && index_take(w, g, h))
		return g;
	for (g = low_end(w); g-- > w->keep >> GIGA_SHIFT;)
		if (!__atomic_load_n(&w->hva_of[g], __ATOMIC_RELAXED) && index_take(w, g, h))
			return g;
	return NO_INDEX;
}

static void window_fill(struct window *win, uint32_t h, uint32_t g)
{
	win->hva = (vaddr_t)h << GIGA_SHIFT;
	win->gpa = (paddr_t)g << GIGA_SHIFT;
	win->len = MIN(GIGA_SIZE, WINDOW_TASK_SIZE - win->hva);
	win->index = g;
}

int window_claim(struct windows *w, vaddr_t hva, struct window *out)
{
	uint32_t h = (uint32_t)(hva >> GIGA_SHIFT), g, give = 0;
	uint16_t have = 0;

	if (hva >= WINDOW_TASK_SIZE)
		return -EFAULT;
	if (window_find(w, hva, out))
		return 0;
	g = index_find(w, h);
	if (g == NO_INDEX) /* full, or another thread took the last one: for us? */
		return window_find(w, hva, out) ? 0 : -ENOSPC;
	if (__atomic_compare_exchange_n(&w->gpa_of[h], &have, (uint16_t)(g + 1), false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		__atomic_add_fetch(&w->claimed, 1, __ATOMIC_RELAXED);
	} else if (have != g + 1) {
		give = h + 1;
		__atomic_compare_exchange_n(
			&w->hva_of[g], &give, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
		g = have - 1u;
	}
	window_fill(out, h, g);
	return 0;
}

bool window_find(const struct windows *w, vaddr_t hva, struct window *out)
{
	uint32_t h = (uint32_t)(hva >> GIGA_SHIFT);
	uint16_t have;

	if (hva >= WINDOW_TASK_SIZE)
		return false;
	have = __atomic_load_n(&w->gpa_of[h], __ATOMIC_ACQUIRE);
	if (!have)
		return false;
	window_fill(out, h, have - 1u);
	return true;
}

bool window_at(const struct windows *w, unsigned i, struct window *out)
{
	uint32_t have;

	if (i >= WINDOW_GPAS)
		return false;
	have = __atomic_load_n(&w->hva_of[i], __ATOMIC_ACQUIRE);
	if (!have || have == HVA_RESERVED)
		return false;
	/* Taken is not yet published, or never will be. */
	return window_find(w, (vaddr_t)(have - 1) << GIGA_SHIFT, out) && out->index == i;
}

bool window_is_classical(const struct windows *w, const struct window *win)
{
	return policy_gpa(w, (uint32_t)(win->hva >> GIGA_SHIFT)) == win->index;
}

paddr_t window_va_to_pa(const struct windows *w, vaddr_t va)
{
	struct window win;
	uint32_t g;

	if (va >= WINDOW_TASK_SIZE)
		return PADDR_NONE;
	if (window_find(w, va, &win))
		return win.gpa + (va - win.hva);
	g = policy_gpa(w, (uint32_t)(va >> GIGA_SHIFT));
	if (g == NO_INDEX || __atomic_load_n(&w->hva_of[g], __ATOMIC_ACQUIRE))
		return PADDR_NONE;
	return ((paddr_t)g << GIGA_SHIFT) + (va & (GIGA_SIZE - 1));
}

vaddr_t window_pa_to_va(const struct windows *w, paddr_t pa)
{
	uint32_t g = (uint32_t)(pa >> GIGA_SHIFT);
	struct window win;
	vaddr_t va;

	if (pa >= w->phys_limit)
		return VADDR_NONE;
	if (window_at(w, g, &win))
		return pa - win.gpa < win.len ? win.hva + (pa - win.gpa) : VADDR_NONE;
	if (__atomic_load_n(&w->hva_of[g], __ATOMIC_ACQUIRE))
		return VADDR_NONE;
	va = policy_hva(w, pa);
	/* Its owner may have had to spill. */
	return va < WINDOW_TASK_SIZE && !window_find(w, va, &win) ? va : VADDR_NONE;
}
