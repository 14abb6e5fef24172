/*
 * short_alloc.c - the shortest ways of malloc: the thread's page or word has another object.
 *
 * app context, no lock. All else they leave by a jump, and save nothing: the store buffer is full
 * of the program's own stores.
 *
 * short_malloc: in the pages, or it is
 *	take_page	the next object of the page that is cut for the class; malloc_page: it is noted
 *	malloc_rows	malloc_simple, malloc_row: the lowest bit of the word's mask
 *	malloc_rest	all else: engine.c
 */
#include "malloc.h"
#include "last.h"

/* An object of the page that is cut for the class, if it has another, and its record; or NULL. */
static ALWAYS_INLINE void *take_page(struct cutter *c, size_t size, bool *zeroed, struct record **r)
{
	unsigned cls;
	struct bump *b;
	void *p;

	if (unlikely(!(r ? mode.short_pages : mode.short_plain) || size > SMALL_MAX || c->own.busy))
		return NULL;
	cls = small_class_of(size);
	b = &c->bump[cls];
	owner_busy(&c->own);
	p = bump_take(b);
	*zeroed = b->zeroed;
	if (r)
		*r = bump_record(c, cls, vaddr_of(p));
	c->own.allocs += p != NULL;
	owner_idle(&c->own);
	return p;
}

/* An object of the word, if it has another, and its view; simple: only in a simple one. */
static ALWAYS_INLINE void *take_row(
	struct cursors *tc, struct cursor *c, struct view **v, bool simple)
{
	void *p = NULL;

	owner_busy(&tc->own);
	if (likely(c->next && (!simple || c->view->simple))) {
		*v = c->view;
		p = cursor_pop(c, simple);
		tc->own.allocs++;
	}
	owner_idle(&tc->own);
	return p;
}

/* The class's cursor, if there may be a short way. */
static inline struct cursor *cursor_short(struct cursors *tc, size_t size)
{
	if (!mode.short_rows || unlikely(!tc || size > SMALL_MAX || tc->own.busy))
		return NULL;
	return &tc->cur[small_class_of(size)];
}

/* The process's first, another backend, or a filter that forbids aliases. */
static __attribute__((noinline)) void *alloc_special(size_t size, bool zero, void *frame)
{
	start();
	if (kvm_heap)
		return kvm_heap->alloc(size, BLOCK_ALIGN, zero, frame);
	return last_on ? last_alloc(size, BLOCK_ALIGN, zero) : engine_alloc(size, zero, frame);
}

static inline void *alloc_rest(size_t size, bool zero, void *frame)
{
	return likely(engine_plain) ? engine_alloc(size, zero, frame)
				    : alloc_special(size, zero, frame);
}

void *alloc_aligned(size_t size, size_t align, void *frame)
{
	start();
	return kvm_heap		   ? kvm_heap->alloc(size, align, false, frame)
	       : unlikely(last_on) ? last_alloc(size, align, false)
				   : engine_alloc_aligned(size, align, frame);
}

/* p, of the simple view v, is the caller's. */
static ALWAYS_INLINE void record_simple(struct view *v, void *p, size_t size, void *frame)
{
	uint32_t stack = stack_capture(frame);

	record_alloc(&v->rec[(vaddr_of(p) - v->base) >> PAGE_SHIFT], v->geom->size, size,
		owner_mine->tid, stack);
}

/* A block of a page is the caller's. */
static ALWAYS_INLINE void record_page(struct record *r, size_t size, void *frame)
{
	uint32_t stack = stack_capture(frame);

	record_alloc(r, page_kinds[1 + small_class_of(size)].size, size, owner_mine->tid, stack);
}

void *short_alloc(size_t size, bool zero, void *frame)
{
	struct cursor *c = cursor_short(cursors_mine(), size);
	bool zeroed = false;
	struct record *r;
	struct view *v;
	void *p = NULL;

	if (c) {
		p = take_row(cursors_mine(), c, &v, mode.records);
		zeroed = p && v->zeroed;
		if (p && v->rec)
			record_simple(v, p, size, frame);
	} else if (cutter_mine() && mode.records) {
		p = take_page(cutter_mine(), size, &zeroed, &r);
		if (p)
			record_page(r, size, frame);
	} else if (cutter_mine()) {
		p = take_page(cutter_mine(), size, &zeroed, NULL);
	}
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

/* Entered by jumps only: its frame is where malloc was called. */
static __attribute__((noinline)) void *malloc_page(size_t size)
{
	struct record *r;
	bool zeroed;
	void *p = NULL;

	if (likely(cutter_mine() != NULL))
		p = take_page(cutter_mine(), size, &zeroed, &r);
	if (unlikely(!p))
		return malloc_rest(size);
	record_page(r, size, __builtin_frame_address(0));
	return frame_kept(p);
}

static __attribute__((noinline)) void *malloc_row(struct cursors *tc, struct cursor *c, size_t size)
{
	struct view *v;
	void *p = mode.records ? NULL : take_row(tc, c, &v, false);

	return likely(p) ? p : malloc_rest(size);
}

/* Entered by jumps only: its frame is where malloc was called. */
static __attribute__((noinline)) void *malloc_recorded(struct view *v, void *p, size_t size)
{
	record_simple(v, p, size, __builtin_frame_address(0));
	return frame_kept(p);
}

static __attribute__((noinline)) void *malloc_simple(
	struct cursors *tc, struct cursor *c, size_t size)
{
	struct view *v;
	void *p = take_row(tc, c, &v, true);

	if (unlikely(!p))
		return malloc_row(tc, c, size);
	return likely(!v->rec) ? p : malloc_recorded(v, p, size);
}

static __attribute__((noinline)) void *malloc_rows(size_t size)
{
	struct cursor *c;

	if (!mode.short_rows)
		return mode.records ? malloc_page(size) : malloc_rest(size);
	c = cursor_short(cursors_mine(), size);
	return c ? malloc_simple(cursors_mine(), c, size) : malloc_rest(size);
}

void *short_malloc(size_t size)
{
	struct cutter *c = cutter_mine();
	bool zeroed;
	void *p = likely(c) ? take_page(c, size, &zeroed, NULL) : NULL;

	return likely(p) ? p : malloc_rows(size);
}
