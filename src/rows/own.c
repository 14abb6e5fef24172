/*
 * own.c - what the program asks of the kernel for pages of its blocks (mprotect, madvise, mlock,
 * mmap over them), it gets for private memory.
 *
 * app context. Most views show shared memory, of which MADV_DONTNEED takes nothing, MADV_FREE is
 * refused, and nothing is inherited by a fork's child. So before such a call the living pages of
 * its range become private memory with the same bytes, at the same addresses; from then on the
 * kernel's own rules hold, in children too: nothing is mapped over them there. They die like the
 * others, and the memory of the row is used again. In a private view they only count as such.
 *
 * What breaks it: a system call that drops what page tables have for a view (host_runs_empty), for
 * there private memory has its bytes.
 */
#include "own.h"
#include "host/host.h"
#include "sweep.h"

#include <sys/single_threaded.h>

/* While other threads may store there, the pages can only be read; then the count goes up. */
static _Atomic vaddr_t moving_lo, moving_hi;
static _Atomic uint32_t moved;

bool views_owned;

bool view_owns(const struct view *v, uint32_t page)
{
	const uint64_t *own = atomic_load_explicit(&v->own, memory_order_acquire);

	return own && own[page / 64] >> (page % 64) & 1;
}

bool view_page_lives(struct view *v, uint32_t page)
{
	const struct geom *g = v->geom;
	uint32_t u = view_unit_with(v, page), idx = u << g->group_shift;
	uint64_t group = ~0UL >> (64 - geom_group(g));

	if (u >= v->units || !(view_fresh(v)[u / 64] >> (u % 64) & 1) ||
		view_revoked(v)[u / 64] >> (u % 64) & 1)
		return false;
	return view_live_word(v, idx / 64) >> (idx % 64) & group;
}

/* Where a page is one block's, the memory behind it is free now. */
static void pages_own(struct view *v, uint32_t p, uint32_t n)
{
	struct run r = {
		v->base + ((vaddr_t)p << PAGE_SHIFT), v->base + ((vaddr_t)(p + n) << PAGE_SHIFT)};
	bool others = !__libc_single_threaded;
	int err;

	if (others) {
		moving_lo = r.lo;
		moving_hi = r.hi;
	}
	err = view_is_private(v) ? 0 : host_view_own(r.lo, n, others);
	if (others) {
		atomic_fetch_add(&moved, 1);
		moving_hi = 0;
	}
	if (err)
		return;
	for (uint32_t i = p; i < p + n; i++)
		v->own[i / 64] |= 1UL << (i % 64);
	if (v->geom->rows == 1 && !view_is_private(v))
		host_chunk_trim(v->chunk, v->first + p, n);
	/* Freed meanwhile, by a program that asks for its end: it dies again. */
	for (uint32_t i = p; i < p + n; i++)
		if (!view_page_lives(v, i)) {
			r.lo = v->base + ((vaddr_t)i << PAGE_SHIFT);
			r.hi = r.lo + PAGE_SIZE;
			host_runs_kill(v->base, v->pages, &r, 1);
		}
}

static void view_own(struct view *v, uint32_t p, uint32_t end)
{
	uint32_t n;

	views_owned = true;
	if (!v->own)
		v->own = meta_alloc(view_own_bytes(v));
	for (; v->own && p < end; p += MAX(n, 1U)) {
		n = 0;
		while (p + n < end && view_page_lives(v, p + n) && !view_owns(v, p + n))
			n++;
		if (n)
			pages_own(v, p, n);
	}
}

void rows_own(vaddr_t lo, vaddr_t hi)
{
	uintptr_t e;
	struct view *v;

	lock_take(&sweep_lock);
	e = space_entry(lo);
	v = (struct view *)e;
	if (e && (e & SPACE_WHAT) == SPACE_VIEW && !v->mortal.buried) {
		vaddr_t end = v->base + ((vaddr_t)v->pages << PAGE_SHIFT);

		if (lo < end)
			view_own(v, (uint32_t)((lo - v->base) >> PAGE_SHIFT),
				(uint32_t)((MIN(hi, end) - v->base) >> PAGE_SHIFT));
	}
	lock_drop(&sweep_lock);
}

/* The handler may come late, when the pages are there already: so each thread tries once more. */
bool own_appears(vaddr_t addr)
{
	static __thread uint32_t seen;
	uint32_t now;

	while (addr >= moving_lo && addr < moving_hi)
		sys_call3(__NR_sched_yield, 0, 0, 0);
	now = moved;
	if (likely(seen == now) || !space_has(addr))
		return false;
	seen = now;
	return true;
}
