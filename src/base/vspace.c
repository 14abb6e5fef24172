/* vspace.c - see vspace.h. pure. */
#include "vspace.h"

void vspace_init(struct vspace *v, vaddr_t base, vaddr_t end)
{
	*v = (struct vspace){.base = ALIGN_UP(base, HUGE_SIZE), .end = ALIGN_DOWN(end, HUGE_SIZE)};
	v->next = v->base;
}

vaddr_t vspace_take_aligned(struct vspace *v, size_t len, size_t align)
{
	vaddr_t at = ALIGN_UP(v->gap.at, align);

	len = ALIGN_UP(len, HUGE_SIZE);
	if (at >= v->gap.at && at < v->gap.end && len <= v->gap.end - at) {
		v->gap.at = at + len;
		return at;
	}
	at = ALIGN_UP(v->next, align);
	if (at < v->next || at > v->end || len > v->end - at)
		return 0;
	if (at - v->next > v->gap.end - v->gap.at) {
		v->gap.at = v->next;
		v->gap.end = at;
	}
	v->next = at + len;
	return at;
}

vaddr_t vspace_take(struct vspace *v, size_t len)
{
	unsigned level;
	vaddr_t at;

	if (len >= HUGE_SIZE)
		return vspace_take_aligned(v, len, HUGE_SIZE);
	level = (unsigned)__builtin_ctzl(len) - VSPACE_LEAST_SHIFT;
	if (v->open[level].at == v->open[level].end) {
		at = vspace_take_aligned(v, HUGE_SIZE, HUGE_SIZE);
		if (!at)
			return 0;
		v->open[level].at = at;
		v->open[level].end = at + HUGE_SIZE;
	}
	at = v->open[level].at;
	v->open[level].at += len;
	return at;
}
