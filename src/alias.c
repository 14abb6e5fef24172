/*
 * alias.c - making and freeing objects: the paths that every malloc and free take.
 *
 * app context. The fast paths touch the thread's cursor, the view and (debug profile) the
 * record; they take no lock. See alias.h for the structures and the lock order.
 */
#include "alias.h"
#include "log.h"
#include "memlimit.h"
#include "meta.h"
#include "mmu.h"
#include "options.h"
#include "report.h"
#include "tcache.h"

#include <errno.h>
#include <sys/single_threaded.h>

struct alias_policy policy;
struct vspace alias_space;
struct lock alias_init_lock, shared_lock, vspace_lock;
_Atomic uintptr_t *alias_table;
_Atomic bool alias_ready;

static void policy_init(void)
{
	policy.strict = options.detect == DETECT_STRICT;
	policy.grouped = options.detect == DETECT_GROUPED;
	policy.records = options.stacks;
	policy.defer_frees = (uint32_t)options.defer_frees;
	policy.defer_bytes = options.defer_bytes;
	policy.defer_ns = options.defer_ms * 1000000UL;
	policy.step = MAX(1U, MIN(policy.defer_frees / 16, 256U));
	policy.dead_bytes = policy.records ? MIN(memlimit() / 16, 128UL << 20) : 4UL << 20;
}

static void alias_setup(void)
{
	const char *why = "";
	struct run fresh;
	int err;

	options_init();
	policy_init();
	err = mmu_choose(options.backend, &why);
	if (!err)
		err = mmu->enter(options.vspace, &fresh);
	if (!err && heap_other)
		return;
	if (!err) {
		vspace_init(&alias_space, fresh.lo, fresh.hi);
		alias_table = meta_table(
			((fresh.hi - fresh.lo) >> VSPACE_PART_SHIFT) * sizeof(*alias_table));
		err = alias_table ? 0 : -ENOMEM;
		why = err ? "no address space for its table (ulimit -v?)" : why;
	}
	if (err) {
		out_line(2, "undangle: cannot run in this process: %s (error %d)", why, -err);
		sys_exit_group(2);
	}
	heap_init(policy.grouped ? options.group : 1);
}

void alias_init(void)
{
	struct lock_section s;

	if (atomic_load_explicit(&alias_ready, memory_order_acquire))
		return;
	lock_section_enter(&s);
	lock_take(&alias_init_lock);
	if (!alias_ready) {
		alias_setup();
		atomic_store_explicit(&alias_ready, true, memory_order_release);
	}
	lock_drop(&alias_init_lock);
	lock_section_leave(&s);
}

void alias_entry_set(vaddr_t at, size_t len, uintptr_t entry)
{
	size_t i = (at - alias_space.base) >> VSPACE_PART_SHIFT;
	size_t n = (len + VSPACE_PART - 1) >> VSPACE_PART_SHIFT;

	for (size_t k = 0; k < n; k++)
		atomic_store_explicit(&alias_table[i + k], entry, memory_order_release);
}

vaddr_t alias_space_take(size_t len, size_t align)
{
	static bool said;
	vaddr_t at;

	lock_take(&vspace_lock);
	/* Parts of a huge page are aligned to their own size only. */
	at = align > len || len > HUGE_SIZE
		     ? vspace_take_aligned(&alias_space, len, MAX(align, HUGE_SIZE))
		     : vspace_take(&alias_space, len);
	/* What never could be had is no sign that the addresses are running out. */
	if (!at && !said && !options.quiet && len <= (alias_space.end - alias_space.base) / 4) {
		said = true;
		out_line(log_fd(),
			"undangle: warning: all %lu MB of virtual addresses are used up: malloc "
			"returns NULL from here on (detect=grouped lasts longer)",
			(alias_space.end - alias_space.base) >> 20);
	}
	lock_drop(&vspace_lock);
	return at;
}

/* The next word of the cursor's view that has objects for it; false at the end of the view. */
static bool cursor_next_word(struct cursor *c)
{
	struct view *v = c->view;
	unsigned shift;

	if (!v)
		return false;
	shift = v->geom->group_shift;
	for (uint32_t w = v->handed; w < v->words; w++) {
		/* The word's objects lie in units [u, u + n). */
		uint32_t u = (w * 64) >> shift, n = 64U >> shift;
		uint64_t units = view_fresh(v)[u / 64] >> (u % 64), m = 0;

		if (n < 64)
			units &= (1UL << n) - 1;
		if (shift == 0) {
			m = units;
		} else {
			uint64_t group = shift == 6 ? ~0UL : (1UL << (1U << shift)) - 1;

			for (uint32_t i = 0; i < n; i++)
				if (units >> i & 1)
					m |= group << (i << shift);
		}
		atomic_store_explicit(&v->live[w], m, memory_order_relaxed);
		atomic_store_explicit(&v->handed, (uint16_t)(w + 1), memory_order_release);
		if (m) {
			c->word = w;
			c->mask = m;
			return true;
		}
	}
	c->view = NULL;
	return false;
}

/* An object of the cursor's view; false when it has no more. idx = its number. */
static inline bool cursor_take(struct cursor *c, uint32_t *idx)
{
	if (unlikely(!c->mask) && !cursor_next_word(c))
		return false;
	*idx = c->word * 64 + (uint32_t)__builtin_ctzl(c->mask);
	c->mask &= c->mask - 1;
	/* The next one lies in a page of its own, and cold: fetch it while this one is used. */
	if (likely(c->mask))
		__builtin_prefetch(vaddr_ptr(view_slot_at(c->view,
					   c->word * 64 + (uint32_t)__builtin_ctzl(c->mask))),
			1);
	return true;
}

/*
 * Units for a cursor's next view. A thread that makes few of a size must not sit on a whole row,
 * nor may many threads, each on one.
 */
static uint32_t view_share(const struct cursor *c)
{
	uint32_t most = tcache_owned > 8 ? EXTENT_PAGES / 4 : EXTENT_PAGES;

	return c->views < 4 ? MIN(16U << 2 * c->views, most) : most;
}

/* The slow path: no cache, an interrupted one, or the cursor's view is used up. */
static struct view *take_slow(unsigned cls, uint32_t *idx, int *tid)
{
	struct lock_section s;
	struct tcache *tc;
	struct cursor *c;
	struct view *v = NULL;
	bool shared;

	alias_init();
	lock_section_enter(&s);
	tc = tcache_get();
	shared = !tc || tc->busy;
	if (shared) {
		lock_take(&shared_lock);
		tc = &tcache_shared;
	}
	c = &tc->cur[cls];
	while (!cursor_take(c, idx)) {
		c->view = view_new(cls, view_share(c));
		if (!c->view)
			goto out;
		c->views++;
	}
	v = c->view;
	tc->allocs++;
	*tid = shared ? sys_gettid() : tc->tid;
out:
	if (shared)
		lock_drop(&shared_lock);
	lock_section_leave(&s);
	return v;
}

static __attribute__((noinline)) void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

static inline void *alloc_class(unsigned cls, size_t size, bool zero, void *frame)
{
	struct tcache *tc = tcache_mine;
	struct view *v = NULL;
	uint32_t idx;
	int tid = 0;
	void *p;

	if (likely(tc && !tc->busy)) {
		struct cursor *c = &tc->cur[cls];

		tc->busy = true;
		atomic_signal_fence(memory_order_seq_cst);
		if (cursor_take(c, &idx)) {
			v = c->view;
			tc->allocs++;
			tid = tc->tid;
		}
		atomic_signal_fence(memory_order_seq_cst);
		tc->busy = false;
	}
	if (unlikely(!v)) {
		v = take_slow(cls, &idx, &tid);
		if (!v)
			return no_memory();
	}
	p = vaddr_ptr(view_slot_at(v, idx));
	if (v->rec)
		record_alloc(&v->rec[idx], v->geom->size, size, tid, stack_capture(frame));
	if (zero && !v->zeroed)
		__builtin_memset(p, 0, size);
	return p;
}

static __attribute__((noinline)) void *alloc_large(size_t size, void *frame)
{
	void *p = large_alloc(size, PAGE_SIZE, frame);

	return p ? p : no_memory();
}

/* No cache: this thread's first, or another heap is in use. */
static __attribute__((noinline)) void *alloc_first(size_t size, bool zero, void *frame)
{
	alias_init(); /* the class tables */
	if (heap_other)
		return heap_other->alloc(size, HEAP_ALIGN, zero, frame);
	if (size > HEAP_MEDIUM_MAX)
		return alloc_large(size, frame);
	return alloc_class(heap_class_of(size), size, zero, frame);
}

void *alias_alloc(size_t size, bool zero, void *frame)
{
	if (unlikely(!tcache_mine))
		return alloc_first(size, zero, frame);
	if (size > HEAP_MEDIUM_MAX)
		return alloc_large(size, frame);
	return alloc_class(heap_class_of(size), size, zero, frame);
}

void *alias_alloc_aligned(size_t size, size_t align, void *frame)
{
	alias_init();
	if (heap_other)
		return heap_other->alloc(size, align, false, frame);
	if (align > PAGE_SIZE || size > HEAP_MEDIUM_MAX ||
		(size > HEAP_SMALL_MAX && align > PAGE_SIZE))
		return large_alloc(size, MAX(align, PAGE_SIZE), frame);
	return alloc_class(heap_class_aligned(size, align), size, false, frame);
}

/* Which object starts exactly at a? False if none does. */
static inline bool slot_find(const struct view *v, vaddr_t a, uint32_t *idx)
{
	const struct geom *g = v->geom;
	size_t d = a - v->base;
	uint32_t u, off, j;

	if (d >= (size_t)v->pages << PAGE_SHIFT)
		return false;
	if (g->unit_pages != 1) {
		u = geom_div((uint32_t)(d >> PAGE_SHIFT), g->inv_unit);
		*idx = u;
		return u < v->units && d == (size_t)u * g->unit_pages << PAGE_SHIFT;
	}
	u = (uint32_t)(d >> PAGE_SHIFT);
	off = (uint32_t)(d & (PAGE_SIZE - 1)) - geom_band_at(g, v->row_idx, u);
	if (off >= g->band)
		return false;
	j = geom_div(off, g->inv_size);
	*idx = (u << g->group_shift) + j;
	return off == j * g->size;
}

/* The live object that starts at p, or false. */
static inline bool live_find(struct view *v, void *p, uint32_t *idx)
{
	struct tcache *tc = tcache_mine;

	if (!slot_find(v, vaddr_of(p), idx))
		return false;
	if (!(atomic_load_explicit(&v->live[*idx / 64], memory_order_relaxed) >> (*idx % 64) & 1))
		return false;
	/* Live bits are set by the word; one that was not handed out yet is nobody's to free. */
	if (v->rec)
		return v->rec[*idx].alloc_tid != 0;
	if (tc) {
		const struct cursor *c = &tc->cur[v->geom->cls];

		return !(c->view == v && c->word == *idx / 64 && (c->mask >> (*idx % 64) & 1));
	}
	return true;
}

static void count_free(size_t bytes)
{
	struct tcache *tc = tcache_mine;

	if (unlikely(!tc)) {
		alias_freed(1, bytes);
		return;
	}
	tc->frees++;
	tc->freed_bytes += bytes;
	if (unlikely(++tc->freed >= policy.step || tc->freed_bytes >= (64UL << 10))) {
		uint32_t n = tc->freed;

		bytes = tc->freed_bytes;
		tc->freed = 0;
		tc->freed_bytes = 0;
		alias_freed(n, bytes);
	}
}

/*
 * Clears bit n and tells whether it was set. One instruction either way, so that a handler sees
 * it whole; the lock prefix waits for all the program's stores and is only for threads.
 */
static inline bool live_clear(_Atomic uint64_t *word, uint64_t n)
{
	bool was;

	if (__libc_single_threaded)
		__asm__ volatile("btrq %2, %0" : "+m"(*word), "=@ccc"(was) : "r"(n) : "memory");
	else
		__asm__ volatile("lock btrq %2, %0"
				 : "+m"(*word), "=@ccc"(was)
				 : "r"(n)
				 : "memory");
	return was;
}

/* False if somebody else freed it first. */
static inline bool free_slot(struct view *v, uint32_t idx, bool moved, void *frame)
{
	const struct geom *g = v->geom;
	_Atomic uint64_t *word = &v->live[idx / 64];
	uint64_t unit;
	uint32_t u = idx >> g->group_shift;

	if (v->rec)
		record_free(&v->rec[idx], moved, tcache_mine ? tcache_mine->tid : sys_gettid(),
			stack_capture(frame));
	if (unlikely(!live_clear(word, idx % 64)))
		return false;
	unit = g->group_shift == 6
		       ? ~0UL
		       : ((1UL << geom_group(g)) - 1) << (idx % 64 & ~(geom_group(g) - 1));
	/* Two threads may both find the unit dead: that is harmless. */
	if (!(atomic_load_explicit(word, memory_order_relaxed) & unit))
		alias_unit_died(v, u);
	count_free(g->size);
	return true;
}

/* Not in the engine's addresses. */
static __attribute__((noinline)) void free_elsewhere(void *p, const char *call, void *frame)
{
	if (!heap_other)
		report_bad_free(p, call, frame);
	heap_other->free(p, call, frame);
}

void alias_free(void *p, const char *call, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct view *v = (struct view *)e;
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (unlikely(!e)) {
		free_elsewhere(p, call, frame);
		return;
	}
	if (likely(!(e & 1))) {
		if (likely(live_find(v, p, &idx) && free_slot(v, idx, false, frame)))
			return;
	} else if (l->base == vaddr_of(p) && large_free(l, false, frame)) {
		return;
	}
	report_bad_free(p, call, frame);
}

size_t alias_usable(void *p)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (e && !(e & 1)) {
		struct view *v = (struct view *)e;

		if (live_find(v, p, &idx))
			return v->geom->size;
	} else if (e && l->base == vaddr_of(p) && !l->dead) {
		return l->len;
	} else if (heap_other) {
		return heap_other->usable(p);
	}
	report_bad_free(p, "malloc_usable_size", __builtin_frame_address(0));
}

static void *realloc_view(struct view *v, uint32_t idx, void *p, size_t size, void *frame)
{
	size_t slot = v->geom->size;
	void *q;

	if (size <= slot && (size > slot / 2 || slot <= 64)) {
		if (v->rec)
			record_resize(&v->rec[idx], slot, size);
		return p;
	}
	q = alias_alloc(size, false, frame);
	if (!q)
		return NULL;
	__builtin_memcpy(q, p, MIN(size, slot));
	if (!free_slot(v, idx, true, frame))
		report_bad_free(p, "realloc", frame);
	return q;
}

void *alias_realloc(void *p, size_t size, void *frame)
{
	uintptr_t e = alias_entry(vaddr_of(p));
	struct large *l = (struct large *)(e & ~1UL);
	uint32_t idx;

	if (e && !(e & 1)) {
		if (live_find((struct view *)e, p, &idx))
			return realloc_view((struct view *)e, idx, p, size, frame);
	} else if (e && l->base == vaddr_of(p) && !l->dead) {
		return large_realloc(l, size, frame);
	} else if (heap_other) {
		return heap_other->realloc(p, size, frame);
	}
	report_bad_free(p, "realloc", frame);
}
