/*
 * large.c - see large.h. app context.
 *
 * Rooms are powers of two of VSPACE_LEAST up to 2 MB, then multiples of that, four to a doubling.
 * Fresh ones lie side by side and are one mapping. A room that has moved is a mapping of its own,
 * and leaves a hole: so when mappings are many, blocks die by guards where they are. While there are
 * addresses, it has 2 MB: from then on it moves with its page table, not entry by entry.
 *
 * What breaks it: a room that is ready and still mapped where it was.
 */
#include "large.h"
#include "sample.h"
#include "host/host.h"
#include "trace/trace.h"

#include <errno.h>

#define DEAD_MAX   16384	/* dead blocks that are remembered */
#define ROOM_MOST  (32UL << 20) /* larger rooms are not kept */
#define ROOMS	   24
#define READY_EACH 8U
#define READY_MOST (16UL << 20) /* bytes, or one block, or an eighth of what lives */
/* Processor's time, one to four seconds: what was not needed for so long goes back. */
#define READY_AGE  (4UL << 30)
/*
 * So many mappings there may be before blocks die by guards where they are. What a move or a hole
 * costs is guessed high, and then counted.
 */
#define MAPS_MOST  16384U
#define MAPS_LOOK  1024U /* where there are, so many frees later again */

struct lock large_lock = LOCK(LARGE);

static struct large *dead_oldest, **dead_end = &dead_oldest;
static uint32_t dead_count;
static struct large_counts counts;
static uint32_t maps_guess, maps_asked;

/* By the room that a fresh one would have: at fresh addresses, the first len bytes accessible. */
static struct {
	struct {
		vaddr_t base;
		size_t len, room;
	} at[READY_EACH];
	uint32_t n, least; /* least since the last look */
} ready[ROOMS] UD_TABLE;
static uint64_t ready_looked;

static size_t room_of(size_t len)
{
	size_t step = HUGE_SIZE, room = VSPACE_LEAST;

	while (room < len && room < HUGE_SIZE)
		room *= 2;
	if (len <= HUGE_SIZE)
		return room;
	while (len <= ROOM_MOST && step * 8 < len)
		step *= 2;
	return ALIGN_UP(len, step);
}

/* For so much, at its next addresses. A limit counts what is mapped there, not what is used. */
static size_t room_next(size_t len)
{
	size_t room = room_of(len);

	return room < HUGE_SIZE && space_ample() && !ownlimit_is() ? HUGE_SIZE : room;
}

/* Which of ready[] has rooms for so much; ROOMS: none. */
static unsigned room_index(size_t len)
{
	size_t room = room_of(len);
	unsigned lg = 63U - (unsigned)__builtin_clzl(room);

	if (room > ROOM_MOST)
		return ROOMS;
	if (room <= HUGE_SIZE)
		return lg - VSPACE_LEAST_SHIFT;
	/* Above 2 MB: four to a doubling. */
	return MIN(HUGE_SHIFT - VSPACE_LEAST_SHIFT + (lg - HUGE_SHIFT) * 4 + (room >> (lg - 2) & 3),
		ROOMS - 1U);
}

static bool ready_take(struct large *l, size_t align)
{
	unsigned i = room_index(l->len);
	bool found = false;

	if (i == ROOMS)
		return false;
	lock_take(&large_lock);
	if (ready[i].n && !(ready[i].at[ready[i].n - 1].base & (align - 1))) {
		uint32_t n = --ready[i].n;

		l->base = ready[i].at[n].base;
		l->len = ready[i].at[n].len;
		l->room = ready[i].at[n].room;
		ready[i].least = MIN(ready[i].least, n);
		counts.ready_bytes -= l->len;
		counts.moved++;
		found = true;
	}
	lock_drop(&large_lock);
	return found;
}

static bool ready_wanted(unsigned i, size_t len)
{
	return i < ROOMS && ready[i].n < READY_EACH &&
	       (!counts.ready_bytes ||
		       counts.ready_bytes + len <= MAX(READY_MOST, counts.live_bytes / 8));
}

/* l's memory is kept at fresh addresses; false: it is where it was. */
static bool ready_put(const struct large *l)
{
	unsigned i = room_index(l->len);
	size_t room = room_next(l->len);
	bool wanted;
	vaddr_t to;

	lock_take(&large_lock);
	wanted = ready_wanted(i, l->len);
	lock_drop(&large_lock);
	to = wanted ? space_take(room, VSPACE_LEAST) : 0;
	if (!to || host_range_move(l->base, l->room, to, room))
		return false;
	if (room > l->room)
		host_range_guard(to + l->room, room - l->room);
	lock_take(&large_lock);
	wanted = ready_wanted(i, l->len);
	if (wanted) {
		ready[i].at[ready[i].n].base = to;
		ready[i].at[ready[i].n].room = room;
		ready[i].at[ready[i].n++].len = l->len;
		counts.ready_bytes += l->len;
	}
	lock_drop(&large_lock);
	if (!wanted)
		host_range_kill(to, room);
	return true;
}

/* One of ready[i], out of the list; 0: it has none beyond `but`. */
static vaddr_t ready_drop(unsigned i, uint32_t but, size_t *room)
{
	vaddr_t at = 0;

	lock_take(&large_lock);
	if (ready[i].n > but) {
		at = ready[i].at[0].base;
		*room = ready[i].at[0].room;
		counts.ready_bytes -= ready[i].at[0].len;
		ready[i].n--;
		for (uint32_t k = 0; k < ready[i].n; k++)
			ready[i].at[k] = ready[i].at[k + 1];
	}
	lock_drop(&large_lock);
	return at;
}

void large_give_back(void)
{
	vaddr_t at;
	size_t room;

	for (unsigned i = 0; i < ROOMS; i++)
		while ((at = ready_drop(i, 0, &room)) != 0)
			host_range_kill(at, room);
}

/* What nobody needed since the last look goes back. */
static void ready_look(void)
{
	uint64_t now = ticks();
	uint32_t but[ROOMS];
	vaddr_t at;
	size_t room;
	bool due;

	lock_take(&large_lock);
	due = now - ready_looked > READY_AGE;
	for (unsigned i = 0; due && i < ROOMS; i++) {
		but[i] = ready[i].n - MIN(ready[i].least, ready[i].n);
		ready[i].least = but[i];
	}
	if (due)
		ready_looked = now;
	lock_drop(&large_lock);
	for (unsigned i = 0; due && i < ROOMS; i++)
		while ((at = ready_drop(i, but[i], &room)) != 0)
			host_range_kill(at, room);
}

/* So much of l, and no more, is accessible. */
static void accessible(struct large *l, size_t len)
{
	if (len > l->len)
		host_range_revive(l->base + l->len, len - l->len);
	else if (len < l->len)
		host_range_guard(l->base + len, l->len - len);
	l->len = len;
}

static bool large_place(struct large *l, size_t align, bool *zeroed)
{
	size_t len = l->len, take = MAX(l->room, align > HUGE_SIZE ? HUGE_SIZE : 0);
	int err = 0;

	*zeroed = !ready_take(l, align);
	if (*zeroed) {
		do {
			l->base = space_take(take, MAX(align, VSPACE_LEAST));
			err = l->base ? host_range_map(l->base, l->room) : -ENOMEM;
			if (err)
				space_untake(l->base, take);
		} while (err && l->base && host_spare());
		l->len = l->room;
	}
	if (err)
		return false;
	accessible(l, len);
	l->at = l->base;
	return true;
}

static void large_born(struct large *l, uint32_t stack)
{
	owner_get();
	l->alloc_stack = stack;
	l->alloc_tid = owner_tid(owner_mine);
	lock_take(&large_lock);
	counts.live_bytes += l->len;
	counts.made++;
	counts.live++;
	lock_drop(&large_lock);
	space_entry_set(l->base, l->room, (uintptr_t)l | SPACE_LARGE);
}

struct large *large_new(const struct large *as,
	bool (*place)(struct large *l, size_t align, bool *zeroed), size_t align, bool zero,
	void *frame)
{
	uint32_t stack = stack_capture(frame);
	struct lock_section s;
	struct large *l;
	bool zeroed;

	lock_section_enter(&s);
	l = meta_alloc(sizeof(*l));
	if (l)
		*l = *as;
	if (l && place(l, align, &zeroed)) {
		large_born(l, stack);
	} else if (l) {
		meta_free(l, sizeof(*l));
		l = NULL;
	}
	lock_section_leave(&s);
	if (l && zero && !zeroed)
		__builtin_memset(vaddr_ptr(l->at), 0, large_usable(l));
	return l;
}

/* An alignment takes addresses in front of the block, which nobody may have for that long. */
#define ALIGN_MOST (1UL << 40)

bool large_possible(size_t size, size_t align)
{
	return size <= space.end - space.base && align <= ALIGN_MOST;
}

void *large_alloc(size_t size, size_t align, bool zero, void *frame)
{
	struct large as = {.size = size, .len = ALIGN_UP(MAX(size, 1UL), PAGE_SIZE)}, *l;

	if (!large_possible(size, align))
		return NULL;
	as.room = room_of(as.len);
	l = large_new(&as, large_place, align, zero, frame);
	return l ? vaddr_ptr(l->at) : NULL;
}

/* Remembers l among the dead, and forgets the oldest. */
static void large_bury(struct large *l)
{
	struct large *old = NULL;

	lock_take(&large_lock);
	counts.live_bytes -= l->len;
	counts.killed++;
	counts.live--;
	*dead_end = l;
	dead_end = &l->next;
	if (++dead_count > DEAD_MAX) {
		old = dead_oldest;
		dead_oldest = old->next;
		dead_count--;
		space_entry_forget(old->base, old->room);
	}
	lock_drop(&large_lock);
	if (old)
		meta_free(old, sizeof(*old));
}

static void large_died(struct large *l, bool moved, uint32_t stack)
{
	l->moved = moved;
	l->free_tid = owner_tid(owner_mine);
	l->free_stack = stack;
	l->free_stamp = stamp_take(NULL);
}

/* May a block's mapping be taken out of its neighbours'? */
static bool maps_allow(void)
{
	bool allow;

	lock_take(&large_lock);
	if (maps_guess < MAPS_MOST) {
		maps_guess += 2;
		maps_asked = 0;
	}
	if (maps_guess >= MAPS_MOST && maps_asked++ % MAPS_LOOK == 0)
		maps_guess = host_maps_count();
	allow = maps_guess < MAPS_MOST;
	lock_drop(&large_lock);
	return allow;
}

bool large_free(struct large *l, bool moved, void *frame)
{
	struct lock_section s;
	uint32_t stack;

	if (atomic_exchange(&l->dead, 1))
		return false;
	stack = stack_capture(frame);
	lock_section_enter(&s);
	owner_get();
	large_died(l, moved, stack);
	if (l->sampled)
		sample_died(l);
	else if (l->own || (maps_allow() ? !ready_put(l) : !host_range_guard(l->base, l->room)))
		host_range_kill(l->base, l->room);
	large_bury(l);
	ready_look();
	lock_section_leave(&s);
	if (unlikely(pace_tick != NULL))
		pace_tick();
	return true;
}

static bool move_to(const struct large *l, struct large *n)
{
	n->base = space_take(n->room, VSPACE_LEAST);
	if (n->base && !host_range_move(l->base, l->room, n->base, n->room))
		return true;
	space_untake(n->base, n->room);
	return false;
}

/* The pages of l at a fresh range, with room to grow if there is. NULL: l is as it was. */
static struct large *large_move(struct large *l, size_t size)
{
	size_t len = ALIGN_UP(size, PAGE_SIZE);
	struct large *n = meta_alloc(sizeof(*n));

	if (!n)
		return NULL;
	n->size = size;
	n->room = room_next(len > l->len ? len + len / 4 : len);
	if (!move_to(l, n)) {
		n->room = room_of(len);
		if (!move_to(l, n)) {
			meta_free(n, sizeof(*n));
			return NULL;
		}
	}
	n->len = MIN(l->len, n->room);
	n->own = l->own;
	/* Behind the pages that moved along there are guards, then new pages. */
	if (n->room > l->room && n->len < l->room) {
		host_range_guard(n->base + l->room, n->room - l->room);
	} else if (n->room > l->room) {
		n->len = n->room;
	}
	accessible(n, len);
	return n;
}

void *large_resize(struct large *l, size_t size, bool moves, void *frame)
{
	uint32_t stack = stack_capture(frame);
	size_t len = ALIGN_UP(size, PAGE_SIZE), was = l->len;
	struct lock_section s;
	struct large *n = l;

	if (!large_possible(size, PAGE_SIZE))
		return NULL;
	lock_section_enter(&s);
	if (len <= l->room && !moves) {
		accessible(l, len);
		l->size = size;
		lock_take(&large_lock);
		counts.live_bytes += len - was;
		lock_drop(&large_lock);
	} else {
		n = large_move(l, size);
		if (n) {
			n->at = n->base;
			large_born(n, stack);
			atomic_store(&l->dead, 1);
			large_died(l, true, stack);
			large_bury(l);
		}
	}
	lock_section_leave(&s);
	return n ? vaddr_ptr(n->base) : NULL;
}

void large_own(vaddr_t at)
{
	uintptr_t e;

	lock_take(&large_lock);
	e = space_entry(at);
	if (e != SPACE_FORGOTTEN && (e & SPACE_WHAT) == SPACE_LARGE)
		((struct large *)(e & ~SPACE_WHAT))->own = true;
	lock_drop(&large_lock);
}

void large_find(const struct large *l, struct block *b)
{
	b->state = l->dead ? BLOCK_DEAD : BLOCK_LIVE;
	b->base = l->at;
	b->size = l->size;
	b->moved = l->moved;
	b->alloc_tid = l->alloc_tid;
	b->free_tid = l->free_tid;
	b->alloc_stack = l->alloc_stack;
	b->free_stack = l->free_stack;
	b->free_stamp = l->free_stamp;
}

void large_count(struct large_counts *c)
{
	*c = counts;
}
