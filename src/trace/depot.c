/*
 * depot.c - see depot.h. app context, lock-free.
 *
 * An id is the entry's place in units of 16 bytes, so that it fits in a record; segments of 1 MB are
 * mapped as they are needed and never moved. Buckets are chains that only grow at the head: whoever
 * loses the race for the head looks again, and at worst remembers one stack twice.
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
#define SEG_BYTES (1UL << 20)
#define SEGS	  (DEPOT_BYTES / SEG_BYTES)
#define SEG_UNITS (SEG_BYTES / UNIT)
#define BUCKETS	  (1UL << 17)

_Static_assert(DEPOT_BYTES / UNIT <= 1UL << RECORD_STACK_BITS, "records have no more room");

struct entry {
	uint64_t hash;
	uint32_t next;
	uint32_t outer;		   /* frames [own, own + len) are frames [skip, ..) of this one */
	uint8_t n, own, len, skip; /* n: of the whole stack                                     */
	uintptr_t pc[];
};

static _Atomic(char *) segs[SEGS];
static _Atomic(_Atomic uint32_t *) buckets;
static _Atomic uint64_t used = 1; /* units; 0 is no id */
static _Atomic bool warned;

static void *map_pages(size_t len)
{
	long p = sys_mmap(
		0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return sys_is_err(p) ? NULL : (void *)p;
}

static uint32_t full(void)
{
	if (!options.quiet && !atomic_exchange_explicit(&warned, true, memory_order_relaxed))
		out_line(log_fd(), "undangle: warning: no more memory for stacks; "
				   "reports will miss some");
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

static _Atomic uint32_t *bucket_array(void)
{
	_Atomic uint32_t *b = atomic_load_explicit(&buckets, memory_order_acquire);
	_Atomic uint32_t *mine;

	if (likely(b))
		return b;
	mine = map_pages(BUCKETS * sizeof(*mine));
	if (!mine)
		return NULL;
	if (atomic_compare_exchange_strong(&buckets, &b, mine))
		return mine;
	sys_munmap(vaddr_of((void *)mine), BUCKETS * sizeof(*mine));
	return b;
}

/* 64 bits of hash and the depth stand for the frames: a collision shows one wrong stack. */
static uint32_t chain_find(uint32_t id, uint64_t hash, size_t n)
{
	while (id) {
		const struct entry *e = entry_at(id);

		if (e->hash == hash && e->n == n)
			return id;
		id = e->next;
	}
	return 0;
}

uint32_t depot_find(uint64_t hash, size_t n)
{
	_Atomic uint32_t *array = atomic_load_explicit(&buckets, memory_order_acquire);

	if (unlikely(!array))
		return 0;
	return chain_find(
		atomic_load_explicit(&array[hash >> 32 & (BUCKETS - 1)], memory_order_acquire),
		hash, n);
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
	size_t shared, own;
	_Atomic uint32_t *array = bucket_array(), *head;
	uint32_t first, id;
	struct entry *e;

	if (unlikely(!array || !n))
		return n ? full() : 0;
	head = &array[hash >> 32 & (BUCKETS - 1)];
	first = atomic_load_explicit(head, memory_order_acquire);
	id = chain_find(first, hash, n);
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
	do
		e->next = first;
	while (!atomic_compare_exchange_weak_explicit(
		head, &first, id, memory_order_release, memory_order_acquire));
	return id;
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
	return (atomic_load(&used) - 1) * UNIT + (atomic_load(&buckets) ? BUCKETS * 4 : 0);
}
