/*
 * alloc.c - making objects: the ways that every malloc can take.
 *
 * app context. malloc/short_alloc.c has the shortest ones; they touch the thread's cursor, the view
 * and (where there are records) the record, and take no lock.
 *
 *	rows_alloc, rows_alloc_aligned
 *	 └─ alloc_class ── cursor_take       the lowest bit of the cursor's word
 *	     ├─ cursor_next_word             every 64 objects: the view's next, if nobody took it
 *	     └─ alloc_slow ── take_slow      no owner yet, an interrupted one, or no word
 *	         └─ cursor_refill ── view_new_surely ── view_new (view.c)
 *	             ├─ heap_row_take (row.c)       a row with free units: recycled memory
 *	             ├─ space_take, host_view_map   addresses that never were
 *	             └─ sweep_run where that fails: what waits to die may be missing
 */
#include "idle.h"
#include "rows.h"
#include "super.h"
#include "trace/trace.h"

#include <sys/single_threaded.h>

static struct cursors shared;

/*
 * Where objects die one by one, later, and each has a page: views are made all the time, and dear.
 * They must not be many of a small range.
 */
#define SPANS_RANGE (1UL << 40)

void rows_start(void)
{
	owner_start(sizeof(struct cursors), &shared.own, cursors_empty);
	atonce_start();
	sweep_start(&rows_sweeper);
	heap_init(!mode.strict && space.end - space.base >= SPANS_RANGE);
	views_begin(false);
}

/*
 * The next word of the view that the cursor hands out; false if it has none, or what was left of it
 * was taken back. Whoever exchanges `rest` for NULL has it, and with it all words from v->handed
 * on; there is one at least.
 */
static bool cursor_next_word(struct cursor *c)
{
	struct view *v = atomic_exchange(&c->rest, NULL);
	uint64_t m = 0;
	uint32_t w;
	bool last;

	if (!v)
		return false;
	for (w = v->handed; !m; w++)
		m = view_objects(v, view_fresh(v), w);
	last = word_is_last(v, w - 1);
	/* With its last word handed out it may die, but not before these objects. */
	atomic_store_explicit(&v->live[w - 1], m, memory_order_relaxed);
	atomic_store_explicit(&v->handed, last ? v->words : (uint16_t)w, memory_order_release);
	atomic_store_explicit(&v->at, (uint16_t)w, memory_order_relaxed);
	c->next = view_slot_at(v, (w - 1) * 64 + (uint32_t)__builtin_ctzl(m));
	c->view = v;
	c->word = w - 1;
	atomic_signal_fence(memory_order_release); /* slot_ahead, in another thread */
	c->mask = m;
	if (!last)
		atomic_store_explicit(&c->rest, v, memory_order_release);
	return true;
}

/* An object of the cursor's view; NULL when it has no more. idx = its number. */
static inline void *cursor_take(struct cursor *c, uint32_t *idx)
{
	if (unlikely(!c->mask) && !cursor_next_word(c))
		return NULL;
	*idx = c->word * 64 + (uint32_t)__builtin_ctzl(c->mask);
	return cursor_pop(c, false);
}

/* Units for a cursor's next view, after so many. */
static uint32_t view_share(struct cursors *tc, uint32_t views)
{
	uint64_t now = atomic_fetch_add(&owner_refills, 1) + 1;
	uint64_t others = now - tc->own.refilled;

	tc->own.refilled = now;
	return policy_view_units(views, others, EXTENT_PAGES_MAX);
}

/* What waits to die may be what is missing: addresses, mappings, memory. */
static struct view *view_new_surely(unsigned cls, uint32_t most)
{
	struct view *v;
	int err;

	for (int try = 0; try < 3; try++) {
		v = view_new(cls, most, &err);
		if (v)
			return v;
		if (!sweep_run(true))
			break;
	}
	return NULL;
}

/* Another view for the cursor. */
static bool cursor_refill(struct cursors *tc, unsigned cls)
{
	struct cursor *c = &tc->cur[cls];
	struct view *v = view_new_surely(cls, view_share(tc, c->views));

	if (!v)
		return false;
	c->views += c->views < UINT16_MAX;
	/* Objects that die together have their bits in one word: all threads' in one. */
	v->owner = v->geom->group_shift ? OWNER_NONE : MIN(tc->own.id, OWNER_NONE);
	v->giver = MIN(tc->own.id, OWNER_NONE);
	atomic_store(&c->rest, v);
	return true;
}

/* What was taken for a malloc. */
struct taken {
	void *p; /* NULL: no memory */
	struct view *view;
	uint32_t idx;
	int tid;
};

static bool cursor_any(struct cursors *tc, unsigned cls, struct taken *t)
{
	struct cursor *c = &tc->cur[cls];

	t->p = cursor_take(c, &t->idx);
	t->view = c->view;
	return t->p;
}

/* The slow path: no owner, an interrupted one, or the cursor's page or view is used up. */
static __attribute__((noinline)) struct taken take_slow(unsigned cls)
{
	struct taken t = {0};
	struct lock_section s;
	struct cursors *tc = (struct cursors *)owner_hold(&s);

	while (!cursor_any(tc, cls, &t) && cursor_refill(tc, cls))
		;
	tc->own.allocs += t.p != NULL;
	t.tid = owner_tid(owner_mine);
	owner_release(&tc->own, &s);
	return t;
}

/* Object idx of v is the caller's: what is left to do. */
static inline void *slot_made(
	struct view *v, void *p, uint32_t idx, int tid, size_t size, bool zero, void *frame)
{
	if (v->rec)
		record_alloc(&v->rec[idx], v->geom->size, size, tid, stack_capture(frame));
	if (zero && !v->zeroed)
		__builtin_memset(p, 0, size);
	return p;
}

static __attribute__((noinline)) void *alloc_slow(unsigned cls, size_t size, bool zero, void *frame)
{
	struct taken t = take_slow(cls);

	if (!t.p)
		return NULL;
	return slot_made(t.view, t.p, t.idx, t.tid, size, zero, frame);
}

static inline void *alloc_class(unsigned cls, size_t size, bool zero, void *frame)
{
	struct cursors *tc = cursors_mine();
	struct view *v = NULL;
	void *p = NULL;
	uint32_t idx = 0;
	int tid = 0;

	if (likely(tc && !tc->own.busy)) {
		struct cursor *c = &tc->cur[cls];

		owner_busy(&tc->own);
		p = cursor_take(c, &idx);
		if (p) {
			v = c->view;
			tc->own.allocs++;
			tid = tc->own.tid;
		}
		owner_idle(&tc->own);
	}
	if (unlikely(!p))
		return alloc_slow(cls, size, zero, frame);
	return slot_made(v, p, idx, tid, size, zero, frame);
}

void *rows_alloc(size_t size, bool zero, void *frame)
{
	return alloc_class(heap_class_of(size), size, zero, frame);
}

void *rows_alloc_aligned(size_t size, size_t align, void *frame)
{
	return alloc_class(heap_class_aligned(size, align), size, false, frame);
}
