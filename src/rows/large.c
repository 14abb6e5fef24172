/*
 * large.c - blocks above HEAP_MEDIUM_MAX: private pages at fresh addresses.
 *
 * app context. Their pages are their own, so the alias is the only mapping: killing it gives
 * the memory back, in every mode at once. realloc moves the pages (not the bytes) to a fresh
 * range; where nothing is recorded it grows into addresses kept free behind the block first.
 * large_lock guards the list of the dead and the counts; a block's own state is changed by whoever
 * owns the block.
 */
#include "large.h"
#include "base/base.h"
#include "host/host.h"
#include "trace/trace.h"
#include "counts.h"
#include "tcache.h"

#include <errno.h>

#define LARGE_DEAD_MAX 16384 /* dead blocks that are remembered */

struct lock large_lock = LOCK(LARGE);

static struct large *dead_first, *dead_last;
static uint32_t dead_count;
static size_t live_bytes;

static int tid_now(void)
{
	return tcache_mine ? tcache_mine->tid : sys_gettid();
}

/* Fresh addresses for len bytes with `room` behind them, mapped. 0: no memory. */
static vaddr_t large_place(size_t len, size_t room, size_t align)
{
	vaddr_t at;
	int err;

	do {
		at = space_take(room, align);
		if (!at)
			return 0;
		err = host_range_map(at, len);
	} while (err == -EEXIST || (err && host_spare()));
	return err ? 0 : at;
}

static size_t large_room(size_t len)
{
	return len <= HUGE_SIZE / 2 ? HUGE_SIZE / 2 : ALIGN_UP(len, HUGE_SIZE);
}

static struct large *large_build(size_t size, size_t room, size_t align)
{
	struct large *l = meta_alloc(sizeof(*l));
	size_t len = ALIGN_UP(MAX(size, 1UL), PAGE_SIZE);

	if (!l)
		return NULL;
	l->size = size;
	l->len = len;
	l->mapped = len;
	l->room = room;
	l->base = large_place(len, room, align);
	if (!l->base) {
		meta_free(l, sizeof(*l));
		return NULL;
	}
	return l;
}

static void large_count(const struct large *l)
{
	lock_take(&large_lock);
	live_bytes += l->len;
	rows_counts.large_made++;
	rows_counts.large_live++;
	lock_drop(&large_lock);
}

void *large_alloc(size_t size, size_t align, void *frame)
{
	struct lock_section s;
	struct large *l;
	uint32_t stack;

	if (size > PTRDIFF_MAX || align > (1UL << 40))
		return NULL;
	stack = mode.records ? stack_capture(frame) : 0;
	lock_section_enter(&s);
	l = large_build(size, large_room(ALIGN_UP(MAX(size, 1UL), PAGE_SIZE)), align);
	if (l) {
		l->alloc_stack = stack;
		l->alloc_tid = mode.records ? tid_now() : 0;
		space_entry_set(l->base, l->room, (uintptr_t)l | 1);
		large_count(l);
	}
	lock_section_leave(&s);
	return l ? vaddr_ptr(l->base) : NULL;
}

/* Remembers l among the dead, and forgets the oldest. */
static void large_bury(struct large *l)
{
	struct large *old = NULL;

	lock_take(&large_lock);
	live_bytes -= l->len;
	rows_counts.large_killed++;
	rows_counts.large_live--;
	l->next = NULL;
	if (dead_last)
		dead_last->next = l;
	else
		dead_first = l;
	dead_last = l;
	if (++dead_count > LARGE_DEAD_MAX) {
		old = dead_first;
		dead_first = old->next;
		dead_count--;
		space_entry_forget(old->base, old->room);
	}
	lock_drop(&large_lock);
	if (old)
		meta_free(old, sizeof(*old));
}

bool large_free(struct large *l, bool moved, void *frame)
{
	struct lock_section s;
	uint32_t stack;

	if (atomic_exchange(&l->dead, 1))
		return false;
	stack = mode.records ? stack_capture(frame) : 0;
	l->moved = moved;
	l->free_tid = mode.records ? tid_now() : 0;
	l->free_stack = stack;
	lock_section_enter(&s);
	/* The whole room, so that the page table below it goes too. */
	host_range_kill(l->base, l->room);
	large_bury(l);
	lock_section_leave(&s);
	return true;
}

/* Grows or shrinks l where it stands; false if its room is too small. */
static bool large_resize(struct large *l, size_t size)
{
	size_t len = ALIGN_UP(size, PAGE_SIZE), was = l->len;

	if (len > l->room)
		return false;
	if (len > l->mapped) {
		if (host_range_map(l->base + l->mapped, len - l->mapped))
			return false;
		l->mapped = len;
	}
	if (len < was && !host_range_kill(l->base + len, l->mapped - len))
		l->mapped = len;
	l->len = len;
	l->size = size;
	lock_take(&large_lock);
	live_bytes += len - was;
	lock_drop(&large_lock);
	return true;
}

/*
 * The pages of l at a fresh range of their own, l dead. NULL: no memory, l as it was. All of the
 * new room is mapped: pages mapped behind a moved one later would not become one mapping with
 * it, and the next move would have to copy.
 */
static struct large *large_move(struct large *l, size_t size)
{
	size_t len = ALIGN_UP(size, PAGE_SIZE);
	struct large *n = meta_alloc(sizeof(*n));
	int err;

	if (!n)
		return NULL;
	*n = (struct large){.len = len, .size = size, .room = large_room(len + len / 4)};
	n->mapped = n->room;
	do {
		n->base = space_take(n->room, HUGE_SIZE);
		err = n->base ? host_range_move(
					l->base, MIN(l->mapped, n->mapped), n->base, n->mapped)
			      : -ENOMEM;
	} while (err == -EEXIST);
	if (err) {
		meta_free(n, sizeof(*n));
		return NULL;
	}
	return n;
}

void *large_realloc(struct large *l, size_t size, void *frame)
{
	uint32_t stack = mode.records ? stack_capture(frame) : 0;
	struct lock_section s;
	struct large *n;
	void *p = vaddr_ptr(l->base);

	if (size > PTRDIFF_MAX)
		return NULL;
	lock_section_enter(&s);
	/* Where records are kept it moves if it can, so that who uses the old pointer is found. */
	n = mode.records || !large_resize(l, size) ? large_move(l, size) : NULL;
	if (n) {
		n->alloc_stack = stack;
		n->alloc_tid = mode.records ? tid_now() : 0;
		space_entry_set(n->base, n->room, (uintptr_t)n | 1);
		large_count(n);
		p = vaddr_ptr(n->base);
		atomic_store(&l->dead, 1);
		l->moved = true;
		l->free_stack = stack;
		l->free_tid = n->alloc_tid;
		host_range_kill(l->base, l->room);
		large_bury(l);
	} else if (l->size != size && !large_resize(l, size)) {
		p = NULL;
	}
	lock_section_leave(&s);
	return p;
}

size_t large_bytes(void)
{
	return live_bytes;
}

void large_find(const struct large *l, struct block *b)
{
	b->state = l->dead ? BLOCK_DEAD : BLOCK_LIVE;
	b->base = l->base;
	b->size = l->size;
	b->moved = l->moved;
	b->alloc_tid = l->alloc_tid;
	b->free_tid = l->free_tid;
	b->alloc_stack = l->alloc_stack;
	b->free_stack = l->free_stack;
}
