/*
 * engine.c - see engine.h: from a block to the engine that has it. app context.
 */
#include "malloc.h"
#include "last.h"
#include "metrics.h"

#include <errno.h>
#include <sys/single_threaded.h>

const char *start_why;

bool engine_plain;

static struct sheet *sheet_of(uintptr_t e)
{
	return (struct sheet *)(e & ~SPACE_WHAT);
}

static struct large *large_of(uintptr_t e)
{
	return (struct large *)(e & ~SPACE_WHAT);
}

static struct view *view_of(uintptr_t e)
{
	return (struct view *)e;
}

static void find(vaddr_t addr, struct block *b)
{
	uintptr_t e = space_entry(addr);

	*b = (struct block){.state = BLOCK_NONE};
	if (!space_has(addr))
		return;
	if (!e)
		b->state = space_was_forgotten(addr) ? BLOCK_DEAD : BLOCK_NEVER;
	else if (e == SPACE_FORGOTTEN)
		b->state = BLOCK_DEAD;
	else if ((e & SPACE_WHAT) == SPACE_SHEET)
		pages_find(sheet_of(e), addr, b);
	else if ((e & SPACE_WHAT) == SPACE_LARGE)
		large_find(large_of(e), b);
	else
		rows_find(view_of(e), addr, b);
	if (b->state == BLOCK_DEAD && !b->base) {
		b->base = addr;
		b->forgotten = true;
	}
}

vaddr_t engine_next(vaddr_t addr)
{
	vaddr_t end, next = 0;

	for (addr = MAX(addr, space.base); addr < space.next && !next; addr = end) {
		uintptr_t e = space_entry(addr);

		end = ALIGN_DOWN(addr, VSPACE_LEAST) + VSPACE_LEAST;
		if (!e || e == SPACE_FORGOTTEN)
			continue;
		if ((e & SPACE_WHAT) == SPACE_SHEET)
			next = pages_next(sheet_of(e), addr);
		else if ((e & SPACE_WHAT) == SPACE_LARGE)
			next = large_of(e)->at >= addr ? large_of(e)->at : 0;
		else
			next = rows_next(view_of(e), addr);
	}
	return next;
}

/* What is never used again needs not be as the next block would want it. */
static void own(vaddr_t lo, vaddr_t hi)
{
	struct lock_section s;
	vaddr_t end;

	/* A program may unmap terabytes at once. */
	hi = MIN(hi, space.next);
	lock_section_enter(&s);
	for (; lo < hi; lo = end) {
		uintptr_t e = space_entry(lo);

		end = MIN(hi, ALIGN_DOWN(lo, VSPACE_LEAST) + VSPACE_LEAST);
		if (!e || e == SPACE_FORGOTTEN)
			continue;
		if ((e & SPACE_WHAT) == SPACE_SHEET)
			sheet_own(lo);
		else if ((e & SPACE_WHAT) == SPACE_LARGE)
			large_own(lo);
		else
			rows_own(lo, end);
	}
	lock_section_leave(&s);
}

/*
 * libc's list of FILEs, which fork locks, too: before our own locks, for whoever holds it may wait
 * for a FILE whose owner is in malloc. In the child nobody else has it.
 */
void _IO_list_lock(void);
void _IO_list_unlock(void);
void _IO_list_resetlock(void);
static bool files_locked UD_ALWAYS;

static void files_lock(void)
{
	bool lock = !__libc_single_threaded;

	if (lock)
		_IO_list_lock();
	files_locked = lock;
}

static void files_unlock(void)
{
	if (files_locked)
		_IO_list_unlock();
}

static void files_reset(void)
{
	if (files_locked)
		_IO_list_resetlock();
}

static void fork_prepare(bool child_on_this_stack)
{
	files_lock();
	if (mode.grouped)
		pages_fork_prepare();
	else
		rows_fork_prepare(child_on_this_stack, &large_lock);
}

static void fork_parent(void)
{
	if (mode.grouped)
		pages_fork_parent();
	else
		rows_fork_parent();
	files_unlock();
}

static void fork_child(void)
{
	if (mode.grouped)
		pages_fork_child();
	else
		rows_fork_child();
	files_reset();
	metrics_forked();
}

/* Private memory is the kernel's to copy, and to put into cores; what the rows say of theirs is no, then. */
static struct block_source source = {
	find, rows_appears, rows_copied, own, rows_dying, fork_prepare, fork_parent, fork_child};

static size_t allocs_of(const struct owner *o)
{
	return o->allocs;
}

static uint64_t blocks_made(void)
{
	struct large_counts l;

	large_count(&l);
	return owners_sum(allocs_of) + l.made;
}

void engine_start(void)
{
	mode_start();
	if (mode.grouped) {
		pages_start();
		source.dying = NULL;
	} else {
		rows_start();
	}
	host_spare_start();
	stamp_start(blocks_made);
	block_source = &source;
	engine_plain = true;
}

static __attribute__((noinline)) void *no_memory(size_t size, size_t align, bool zero)
{
	void *p = last_instead(size, align, zero);

	if (!p)
		errno = ENOMEM;
	return p;
}

/*
 * What comes before the classes: the last heap, while the kernel refuses, and a sample (where malloc takes its short
 * way, the pages know).
 */
static ALWAYS_INLINE void *alloc_first(size_t size, size_t align, bool zero, void *frame)
{
	void *p = last_still(size, align, zero);

	if (unlikely(p != NULL) || likely(!mode.sample) || mode.short_pages || align > PAGE_SIZE ||
		!sample_due())
		return p;
	return sample_alloc(size, align, zero, frame);
}

static void *large(size_t size, size_t align, bool zero, void *frame)
{
	void *p = large_alloc(size, align, zero, frame);
	struct lock_section s;

	if (likely(p) || !large_possible(size, align))
		return p;
	/* What waits to die, or to be used again, may be what is missing. */
	lock_section_enter(&s);
	engine_kill_dead(true);
	lock_section_leave(&s);
	return large_alloc(size, align, zero, frame);
}

void *engine_alloc(size_t size, bool zero, void *frame)
{
	void *p = alloc_first(size, BLOCK_ALIGN, zero, frame);

	if (unlikely(p != NULL))
		return p;
	if (size > (mode.grouped ? PAGES_MAX : HEAP_MEDIUM_MAX))
		p = large(size, PAGE_SIZE, zero, frame);
	else
		p = mode.grouped ? pages_alloc(size, zero, frame) : rows_alloc(size, zero, frame);
	return likely(p) ? p : no_memory(size, BLOCK_ALIGN, zero);
}

void *engine_alloc_aligned(size_t size, size_t align, void *frame)
{
	void *p = alloc_first(size, MAX(align, BLOCK_ALIGN), false, frame);

	if (unlikely(p != NULL))
		return p;
	if (align > PAGE_SIZE || size > (mode.grouped ? PAGES_MAX : HEAP_MEDIUM_MAX))
		p = large(size, MAX(align, PAGE_SIZE), false, frame);
	else
		p = mode.grouped ? pages_alloc_aligned(size, align, frame)
				 : rows_alloc_aligned(size, align, frame);
	return likely(p) ? p : no_memory(size, align, false);
}

bool engine_free(void *p, bool moved, void *frame)
{
	uintptr_t e = space_entry(vaddr_of(p));

	if (unlikely(!e || e == SPACE_FORGOTTEN))
		return false;
	if ((e & SPACE_WHAT) == SPACE_SHEET)
		return pages_free(sheet_of(e), p, moved, frame);
	if ((e & SPACE_WHAT) == SPACE_LARGE)
		return large_of(e)->at == vaddr_of(p) && large_free(large_of(e), moved, frame);
	return rows_free(view_of(e), p, moved, frame);
}

size_t engine_usable(void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));
	const struct large *l = large_of(e);

	if (!e || e == SPACE_FORGOTTEN)
		return 0;
	if ((e & SPACE_WHAT) == SPACE_SHEET)
		return pages_usable(sheet_of(e), p);
	if ((e & SPACE_WHAT) == SPACE_LARGE)
		return l->at != vaddr_of(p) || l->dead ? 0 : large_usable(l);
	return rows_usable(view_of(e), p);
}

/* It keeps its place. */
static void *resize(uintptr_t e, void *p, size_t size)
{
	if ((e & SPACE_WHAT) == SPACE_SHEET)
		pages_resize(sheet_of(e), p, size);
	else if ((e & SPACE_WHAT) == SPACE_VIEW)
		rows_resize(view_of(e), p, size);
	return p;
}

bool engine_realloc(void *p, size_t size, void *frame, void **q)
{
	/* Where records are kept it always moves, so that who goes on with the old pointer is
	 * found; and where the end of the block is that of its page. */
	uintptr_t e = space_entry(vaddr_of(p));
	bool sampled = (e & SPACE_WHAT) == SPACE_LARGE && e != SPACE_FORGOTTEN &&
		       large_of(e)->sampled;
	bool large = (e & SPACE_WHAT) == SPACE_LARGE && !sampled;
	bool moves = options.stacks || sampled;
	size_t was = engine_usable(p);

	if (!was)
		return false;
	if (large && size > (mode.grouped ? PAGES_MAX : HEAP_MEDIUM_MAX) / 2) {
		*q = large_resize(large_of(e), size, moves, frame);
		if (*q)
			return true;
	} else if (!large && !moves && size <= was && (size > was / 2 || was <= 64)) {
		*q = resize(e, p, size);
		return true;
	}
	*q = engine_alloc(size, false, frame);
	if (unlikely(!*q)) {
		/* What is large enough already may not fail. */
		if (size <= was)
			*q = large ? large_resize(large_of(e), size, false, frame)
				   : resize(e, p, size);
		return true;
	}
	__builtin_memcpy(*q, p, MIN(size, was));
	return engine_free(p, true, frame);
}

void engine_look_late(void)
{
	struct lock_section s;

	if (!mode.poison)
		return;
	lock_section_enter(&s);
	if (mode.grouped)
		pages_look_late();
	else
		rows_look_late();
	lock_section_leave(&s);
}

void engine_kill_dead(bool trim)
{
	sweep_run(true);
	if (!trim)
		return;
	pages_trim();
	if (!mode.grouped)
		heap_trim();
}

void engine_bytes(struct engine_bytes *b)
{
	struct large_counts l;

	large_count(&l);
	b->heap = mode.grouped ? sheet_bytes() : heap_bytes();
	b->large = l.live_bytes;
	b->large_live = l.live;
}

size_t engine_live_bytes(bool alone)
{
	struct lock_section s;
	size_t n;

	if (!alone)
		lock_section_enter(&s);
	n = mode.grouped ? pages_live_bytes(alone) : rows_live_bytes(alone);
	if (!alone)
		lock_section_leave(&s);
	return n;
}

void engine_count(struct metrics *m)
{
	const struct owner *shared = owner_of[0];
	struct large_counts l;
	struct sheet_counts c;

	large_count(&l);
	m->allocations = blocks_made();
	sheet_count(&c);
	m->frees = shared->frees + l.killed;
	for (const struct owner *own = owner_all; own; own = own->next)
		m->frees += own->frees + FREED_COUNT(own->freed);
	m->aliases = (mode.grouped ? c.live : rows_counts.views_live) + l.live;
}

static void rows_stats(struct out *o)
{
	log_stat(o, "views          %lu made, %lu killed whole, %u live", rows_counts.views_made,
		rows_counts.views_killed, rows_counts.views_live);
	log_stat(o, "kills          %lu units, %lu runs, %lu sweeps", rows_counts.units_killed,
		rows_counts.runs_killed, sweeps);
	log_stat(o, "mappings       %u; %u views are parts of %u super-views", host_maps_count(),
		rows_counts.views_joined, rows_counts.supers_live);
}

static void pages_stats(struct out *o)
{
	struct sheet_counts c;

	sheet_count(&c);
	log_stat(o, "sheets         %lu made, %lu of them moved, %u live, %u ready", c.made,
		c.moved, c.live, c.ready);
	log_stat(o, "kills          %lu pages, %lu runs, %lu sweeps", pages_swept.pages_killed,
		pages_swept.runs_killed, sweeps);
	log_stat(o, "mappings       %u", host_maps_count());
}

void engine_stats(struct out *o)
{
	struct large_counts l;
	struct metrics m;
	char detect[16];

	engine_count(&m);
	large_count(&l);
	log_stat(o, "backend        host, detect=%s",
		option_word("detect", options.detect, detect, sizeof(detect)));
	log_stat(o, "allocations    %lu, freed %lu; large %lu (%lu moved), freed %lu",
		m.allocations - l.made, m.frees - l.killed, l.made, l.moved, l.killed);
	if (mode.share && !mode.strict)
		log_stat(o, "at once        %lu units, of %lu places; charged %lu ms",
			atonce_counts.kills, atonce_counts.places, atonce_counts.ns / 1000000);
	if (mode.grouped)
		pages_stats(o);
	else
		rows_stats(o);
}
