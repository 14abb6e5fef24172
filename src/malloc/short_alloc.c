/*
 * short_alloc.c - the shortest ways of malloc: the thread's page or word has another object.
 *
 * app context, no lock. All else they leave by a jump, and save nothing: the store buffer is full
 *of the program's own stores.
 *
 *	short_malloc ── cursor_short: the class's cursor, unless the cache is busy or records are
 *kept ├─ take_page                   the next object of the page that is cut for the class ├─
 *malloc_simple, malloc_row   the lowest bit of the word's mask └─ malloc_rest                 all
 *else: rows/alloc.c
 */
#include "malloc.h"

/* An object of the page that is cut for the class, if it has another; or NULL. */
static ALWAYS_INLINE void *take_page(struct tcache *tc, struct cursor *c, bool *zeroed)
{
	void *p;

	tcache_busy(tc);
	p = page_take(c);
	*zeroed = c->zeroed;
	tc->allocs += p != NULL;
	tcache_idle(tc);
	return p;
}

/* Of the word, likewise; simple: only in a simple view. */
static ALWAYS_INLINE void *take_row(struct tcache *tc, struct cursor *c, bool *zeroed, bool simple)
{
	void *p = NULL;

	tcache_busy(tc);
	if (likely(c->next && (!simple || c->view->simple))) {
		*zeroed = c->view->zeroed;
		p = cursor_pop(c, simple);
		tc->allocs++;
	}
	tcache_idle(tc);
	return p;
}

/* The class's cursor, if there may be a short way. */
static inline struct cursor *cursor_short(struct tcache *tc, size_t size)
{
	if (mode.records || unlikely(!tc || size > HEAP_SMALL_MAX || tc->busy))
		return NULL;
	return &tc->cur[heap_class_by_16[(size + 15) >> 4]];
}

/* A thread's first, or the process's: then nothing is set up yet. */
static void *alloc_rest(size_t size, bool zero, void *frame)
{
	if (unlikely(!tcache_mine)) {
		start();
		if (kvm_heap)
			return kvm_heap->alloc(size, HEAP_ALIGN, zero, frame);
	}
	return rows_alloc(size, zero, frame);
}

void *alloc_aligned(size_t size, size_t align, void *frame)
{
	start();
	return kvm_heap ? kvm_heap->alloc(size, align, false, frame)
			: rows_alloc_aligned(size, align, frame);
}

void *short_alloc(size_t size, bool zero, void *frame)
{
	struct tcache *tc = tcache_mine;
	struct cursor *c = cursor_short(tc, size);
	bool zeroed = false;
	void *p = NULL;

	if (c)
		p = c->end ? take_page(tc, c, &zeroed) : take_row(tc, c, &zeroed, false);
	if (unlikely(!p))
		return alloc_rest(size, zero, frame);
	if (zero && !zeroed)
		__builtin_memset(p, 0, size);
	return p;
}

/* Entered by jumps only: its frame is where malloc was called. */
static __attribute__((noinline)) void *malloc_rest(size_t size)
{
	return frame_kept(alloc_rest(size, false, __builtin_frame_address(0)));
}

static __attribute__((noinline)) void *malloc_row(struct tcache *tc, struct cursor *c, size_t size)
{
	bool zeroed;
	void *p = take_row(tc, c, &zeroed, false);

	return likely(p) ? p : malloc_rest(size);
}

static __attribute__((noinline)) void *malloc_simple(
	struct tcache *tc, struct cursor *c, size_t size)
{
	bool zeroed;
	void *p = take_row(tc, c, &zeroed, true);

	return likely(p) ? p : malloc_row(tc, c, size);
}

void *short_malloc(size_t size)
{
	struct tcache *tc = tcache_mine;
	struct cursor *c = cursor_short(tc, size);
	bool zeroed;
	void *p;

	if (!c)
		return malloc_rest(size);
	if (!c->end)
		return malloc_simple(tc, c, size);
	p = take_page(tc, c, &zeroed);
	return likely(p) ? p : malloc_rest(size);
}
