/*
 * depot.c - see depot.h. app context, lock-free.
 *
 * An id is the entry's place in units of 16 bytes, so that it fits in a record; segments of 128 KB are
 * mapped as they are needed and never moved. A table has the ids, each at the first free place from
 * its hash on. One that is half full gets a next one, four times as large: what is put goes into both
 * from then on, what was put is copied, and when that is done the next one is the table. So small
 * programs have small tables, nobody waits, and at worst one stack is remembered twice. An old table
 * stays mapped, for somebody may be looking into it.
 *
 * An entry holds only the frames that differ from those of the stack that the same thread captured
 * before, at the inner end and (very deep stacks are cut) at the outer one: one to five mostly.
 * Looking every frame up in a table of (caller, pc), so that equal ones are stored once for sure,
 * was tried on the stacks of python3 and gcc: it takes more memory than this, and as many lookups
 * as there are frames.
 */
#include "depot.h"
#include "base/base.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define UNIT	  16
#define SEG_BYTES (128UL << 10)
#define SEGS	  (DEPOT_BYTES / SEG_BYTES)
#define SEG_UNITS (SEG_BYTES / UNIT)
#define IDS_FIRST (1U << 10)

_Static_assert(DEPOT_BYTES / UNIT <= 1UL << RECORD_STACK_BITS, "records have no more room");

struct entry {
	uint64_t hash;
	uint32_t outer;		   /* frames [own, own + len) are frames [skip, ..) of this one */
	uint8_t n, own, len, skip; /* n: of the whole stack                                     */
	uintptr_t pc[];
};

struct table {
	uint32_t mask;
	_Atomic uint32_t stacks;
	_Atomic(struct table *) next; /* what is put here is put there, too */
	_Atomic uint32_t id[];
};

static _Atomic(char *) segs[SEGS] UD_TABLE;
static _Atomic(struct table *) table;
static _Atomic uint64_t used = 1; /* units; 0 is no id */

static void *map_pages(size_t len)
{
	long p = sys_mmap(
		0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	return sys_is_err(p) ? NULL : (void *)p;
}

static uint32_t full(void)
{
	static _Atomic bool said;

	log_warn(&said, "no more memory for stacks; reports will miss some");
	return 0;
}

static struct entry *entry_at(uint32_t id)
{
	char *seg = atomic_load_explicit(&segs[id / SEG_UNITS], memory_order_acquire);

	return (struct entry *)(seg + id % SEG_UNITS * UNIT);
}

/* A place for `units`, in one segment; 0 if there is none. */
static uint32_t take(size_t units)
{
	uint64_t at;

	for (;;) {
		at = atomic_load_explicit(&used, memory_order_relaxed);
		uint64_t start = at;

		if (start % SEG_UNITS + units > SEG_UNITS)
			start = ALIGN_UP(start, SEG_UNITS);
		if (start + units > DEPOT_BYTES / UNIT)
			return 0;
		if (!atomic_compare_exchange_weak_explicit(
			    &used, &at, start + units, memory_order_relaxed, memory_order_relaxed))
			continue;
		at = start;
		break;
	}
	_Atomic(char *) *slot = &segs[at / SEG_UNITS];
	if (!atomic_load_explicit(slot, memory_order_acquire)) {
		char *mine = map_pages(SEG_BYTES), *theirs = NULL;

		if (!mine)
			return 0;
		if (!atomic_compare_exchange_strong(slot, &theirs, mine))
			sys_munmap(vaddr_of(mine), SEG_BYTES);
	}
	return (uint32_t)at;
}

/*
 * The id of n frames with this hash; 0: it is not there, but has its place at *at (NULL: the table is
 * full). 64 bits of hash and the depth stand for the frames: a collision shows one wrong stack.
 */
static uint32_t look(struct table *t, uint64_t hash, size_t n, _Atomic uint32_t **at)
{
	*at = NULL;
	for (uint32_t i = 0; i <= t->mask; i++) {
		_Atomic uint32_t *p = &t->id[((hash >> 32) + i) & t->mask];
		uint32_t id = atomic_load_explicit(p, memory_order_acquire);

		if (!id) {
			*at = p;
			return 0;
		}
		if (entry_at(id)->hash == hash && entry_at(id)->n == n)
			return id;
	}
	return 0;
}

/* The id that the table has for this stack now: another one if somebody was faster. */
static uint32_t insert(struct table *t, uint32_t id)
{
	const struct entry *e = entry_at(id);
	_Atomic uint32_t *at;
	uint32_t there;

	for (;;) {
		uint32_t none = 0;

		there = look(t, e->hash, e->n, &at);
		if (there || !at)
			return there;
		if (atomic_compare_exchange_strong(at, &none, id))
			break;
	}
	atomic_fetch_add_explicit(&t->stacks, 1, memory_order_relaxed);
	return id;
}

/* All that its next one has not got yet; then that is the table. */
static void move_on(struct table *from)
{
	struct table *to = from->next;

	for (uint32_t i = 0; i <= from->mask; i++)
		if (from->id[i])
			insert(to, from->id[i]);
	table = to;
}

static void grow(struct table *old)
{
	uint32_t n = old ? (old->mask + 1) * 4 : IDS_FIRST;
	size_t size = sizeof(struct table) + n * sizeof(old->id[0]);
	struct table *t, *none = NULL;

	if (old && old->next) /* somebody is at it */
		return;
	t = map_pages(size);
	if (!t)
		return;
	t->mask = n - 1;
	if (!atomic_compare_exchange_strong(old ? &old->next : &table, &none, t))
		sys_munmap(vaddr_of(t), size);
	else if (old)
		move_on(old);
}

/* With room for another stack; NULL: there is no memory. */
static struct table *table_with_room(void)
{
	struct table *t = atomic_load_explicit(&table, memory_order_acquire);

	if (likely(t && t->stacks <= t->mask / 2))
		return t;
	grow(t);
	t = table;
	return t && t->stacks > t->mask - t->mask / 8 ? t->next : t;
}

uint32_t depot_find(uint64_t hash, size_t n)
{
	struct table *t = atomic_load_explicit(&table, memory_order_acquire);
	_Atomic uint32_t *at;

	return likely(t) ? look(t, hash, n, &at) : 0;
}

/* How many of pc[own..n) the frames skip.. of stack `near` stand for. */
static size_t shared_frames(size_t n, const struct depot_near *near)
{
	size_t m;

	if (!near || !near->id || near->own >= n)
		return 0;
	m = entry_at(near->id)->n;
	return near->skip < m ? MIN(n - near->own, m - near->skip) : 0;
}

/* The shared frames of e from the stack that holds one of them, not one that only refers. */
static void refer(struct entry *e, const struct depot_near *near)
{
	const struct entry *o = entry_at(near->id);
	uint32_t skip = near->skip;

	for (e->outer = near->id; skip >= o->own && skip + e->len <= (uint32_t)o->own + o->len;
		o = entry_at(e->outer)) {
		skip = skip - o->own + o->skip;
		e->outer = o->outer;
	}
	e->skip = (uint8_t)skip;
}

uint32_t depot_put(const uintptr_t *pc, size_t n, uint64_t hash, const struct depot_near *near)
{
	struct table *t = table_with_room();
	_Atomic uint32_t *at;
	size_t shared, own;
	struct entry *e;
	uint32_t id;

	if (unlikely(!t || !n))
		return n ? full() : 0;
	id = look(t, hash, n, &at);
	if (likely(id))
		return id;
	shared = shared_frames(n, near);
	own = shared ? near->own : n;
	id = take(ALIGN_UP(sizeof(*e) + (n - shared) * sizeof(*pc), UNIT) / UNIT);
	if (!id)
		return full();
	e = entry_at(id);
	e->hash = hash;
	e->n = (uint8_t)n;
	e->own = (uint8_t)own;
	e->len = (uint8_t)shared;
	if (shared)
		refer(e, near);
	__builtin_memcpy(e->pc, pc, own * sizeof(*pc));
	__builtin_memcpy(e->pc + own, pc + own + shared, (n - own - shared) * sizeof(*pc));
	for (uint32_t mine = id; t && id == mine; t = t->next)
		id = insert(t, mine);
	return id ? id : full();
}

/* Copies what e itself holds of its frames [from, to) to their places at pc. */
static void copy_own(const struct entry *e, size_t from, size_t to, uintptr_t *pc)
{
	for (size_t i = from; i < to; i++)
		if (i < e->own)
			pc[i - from] = e->pc[i];
		else if (i >= (size_t)e->own + e->len)
			pc[i - from] = e->pc[i - e->len];
}

size_t depot_get(uint32_t id, uintptr_t *pc, size_t max)
{
	size_t from = 0, to;
	const struct entry *e;

	if (!id || id >= atomic_load(&used) || !atomic_load(&segs[id / SEG_UNITS]))
		return 0;
	e = entry_at(id);
	max = to = MIN(max, e->n);
	while (from < to) {
		size_t lo = MAX(from, (size_t)e->own), hi = MIN(to, (size_t)e->own + e->len);

		copy_own(e, from, to, pc);
		if (lo >= hi)
			break;
		pc += lo - from;
		from = lo - e->own + e->skip;
		to = from + (hi - lo);
		e = entry_at(e->outer);
	}
	return max;
}

size_t depot_bytes(void)
{
	const struct table *t = table;

	return (used - 1) * UNIT + (t ? (t->mask + 1UL) * sizeof(t->id[0]) : 0);
}

void depot_forked(void)
{
	struct table *t = table;

	if (t && t->next) /* who was at it is not in this process */
		move_on(t);
}
