/*
 * vpages.c - spans over free PML4 entries; see vpages.h. pure.
 */
#include "vpages.h"

void vpages_init(struct vpages *v, unsigned first, const uint64_t *pml4,
	int (*reserve)(void *ctx, vaddr_t lo), void *ctx, uint64_t limit)
{
	*v = (struct vpages){
		.slot = first, .pml4 = pml4, .reserve = reserve, .ctx = ctx, .limit = limit};
}

/* One entry more. It joins the rest of the last one if it is its neighbour. */
static bool slot_take(struct vpages *v)
{
	unsigned i;
	vaddr_t lo;

	while (v->slot < VPAGES_SLOTS) {
		i = v->slot++;
		lo = (vaddr_t)i << VPAGES_SLOT_SHIFT;
		if (__atomic_load_n(&v->pml4[i], __ATOMIC_RELAXED) || v->reserve(v->ctx, lo))
			continue;
		if (v->end != lo)
			v->next = lo;
		v->end = lo + VPAGES_SLOT;
		__atomic_fetch_or(&v->taken[i / 64], 1UL << (i % 64), __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

vaddr_t vpages_take(struct vpages *v, size_t len, size_t align)
{
	vaddr_t at;

	if (!len || len > (VPAGES_SLOT * VPAGES_SLOTS) ||
		(v->limit && (v->used > v->limit || len > v->limit - v->used)))
		return 0;
	for (;;) {
		at = ALIGN_UP(v->next, (vaddr_t)align);
		if (at >= v->next && at <= v->end && len <= v->end - at && v->end)
			break;
		if (!slot_take(v))
			return 0;
	}
	v->next = at + len;
	v->used += len;
	return at;
}
