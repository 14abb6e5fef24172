/*
 * alloc.c - making objects in cut pages: all but the shortest way, which is malloc/short_alloc.c.
 *
 * app context.
 *
 *	pages_alloc ── the thread's cursor, if it is not busy
 *	 ├─ bump_take                    the next object of the page that is cut for the class
 *	 ├─ supply_cut                   the next page of the supply (cut.c)
 *	 └─ alloc_slow ── a section: the shared owner if need be
 *	     └─ refill ── supply_refill    another sheet; where memory is short, the dead die first
 */
#include "cut.h"
#include "host/host.h"
#include "pages.h"
#include "trace/trace.h"

static struct cutter shared UD_TABLE;

void pages_start(void)
{
	owner_start(sizeof(struct cutter), &shared.own, NULL);
	pages_class_init();
	atonce_start();
	sweep_start(&pages_sweeper);
}

/* What was taken for a malloc. */
struct taken {
	void *p; /* NULL: no memory */
	bool zeroed;
	bool due; /* p is NULL, for a sample is due; the next one may be taken */
	int tid;
};

static inline bool take(
	struct cutter *c, unsigned cls, struct taken *t, bool section, bool *no_memory)
{
	struct bump *b = &c->bump[cls];

	t->p = bump_take(b);
	if (!t->p && !b->due && supply_cut(c, cls, section, no_memory))
		t->p = bump_take(b);
	if (unlikely(!t->p && b->due)) {
		t->due = true;
		bump_aim(c, cls);
	}
	t->zeroed = b->zeroed;
	t->tid = c->own.tid;
	c->own.allocs += t->p != NULL;
	return t->p;
}

/* What waits to die may be what is missing: addresses, mappings, memory. */
static bool refill(struct cutter *c, unsigned cls)
{
	for (int try = 0; try < 3; try++) {
		if (!supply_refill(c, cls))
			return true;
		if (!sweep_run(true))
			break;
		pages_trim();
	}
	return false;
}

/* No owner, an interrupted one, or the supply is used up. */
static __attribute__((noinline)) struct taken alloc_slow(unsigned cls)
{
	struct taken t = {0};
	struct lock_section s;
	struct cutter *c = (struct cutter *)owner_hold(&s);
	bool no_memory = false;

	while (!take(c, cls, &t, true, &no_memory))
		if (!t.due && (no_memory || !refill(c, cls)))
			break;
		else
			t.due = false;
	t.tid = owner_tid(owner_mine);
	owner_release(&c->own, &s);
	return t;
}

static void *alloc_class(unsigned cls, size_t size, size_t align, bool zero, void *frame)
{
	struct cutter *c = cutter_mine();
	struct taken t = {0};
	bool no_memory = false;

	if (likely(c && !c->own.busy)) {
		owner_busy(&c->own);
		take(c, cls, &t, false, &no_memory);
		owner_idle(&c->own);
	}
	if (unlikely(t.due)) {
		void *p = sample_alloc(size, align, zero, frame);

		if (p)
			return p;
	}
	if (unlikely(!t.p))
		t = alloc_slow(cls);
	if (unlikely(!t.p))
		return NULL;
	if (mode.records)
		pages_record(t.p, size, t.tid, stack_capture(frame));
	if (zero && !t.zeroed)
		__builtin_memset(t.p, 0, size);
	return t.p;
}

void *pages_alloc(size_t size, bool zero, void *frame)
{
	return alloc_class(pages_class_of(size), size, BLOCK_ALIGN, zero, frame);
}

void *pages_alloc_aligned(size_t size, size_t align, void *frame)
{
	return alloc_class(
		pages_class_aligned(size, align), size, MAX(align, BLOCK_ALIGN), false, frame);
}

void pages_trim(void)
{
	sheet_give_back();
	large_give_back();
	pages_unmap();
}
