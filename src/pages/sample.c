/*
 * sample.c - see sample.h. app context.
 *
 * In the room of a sampled block only its own pages are mapped, from the second page on, and nothing
 * on either side ever is: so no guard must be made. What breaks it: a room that something else
 * shares.
 *
 * Malloc's shortest way counts nothing for it. A page of cut.c ends for the cursor where one is due
 * (alloc.c); where malloc takes the long way anyway, each one asks (sample_due).
 */
#include "sample.h"
#include "host/host.h"
#include "trace/trace.h"

#define ROOM	  VSPACE_LEAST
#define LIVE_MOST 8192U /* at once: two mappings and a page each */
#define READY	  8U
_Static_assert(SAMPLE_MAX + 2 * PAGE_SIZE <= ROOM, "a page is left on either side");

/*
 * By default all of it, the death too, takes no more than a hundredth of the time: whatever took so
 * long puts the next one off by so many times that; half of it for what comes of it later (the TLB, the
 * caches). Who asks for a rate gets it.
 */
#define PAUSE	   200U
#define PAUSE_MOST (1UL << 32)

static vaddr_t ready[READY]; /* under large_lock: rooms with one page */
static uint32_t nready;
static _Atomic uint32_t alive;
static _Atomic uint64_t not_before; /* by the time stamp counter */

static uint64_t rnd(void)
{
	uint64_t x = ticks() * GOLDEN;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* -log2 of a random number in (0, 1), 20 bits behind the point: log2(1 + f) is about f + .28f(1 - f). */
static uint64_t rnd_log2(void)
{
	uint64_t x = rnd() | 1, lz = (uint64_t)__builtin_clzl(x);
	uint64_t f = lz < 63 ? x << (lz + 1) >> 44 : 0, one = 1UL << 20;

	return (lz + 1) * one - f - (f * (one - f) >> 20) * 28 / 100;
}

uint64_t sample_gap(void)
{
	/* ln 2 is 0.693 */
	return mode.sample <= 1 ? 0 : mode.sample * 693UL / 1000 * rnd_log2() >> 20;
}

bool sample_due(void)
{
	static __thread uint64_t left; /* one more than that; 0: the thread's first */

	if (!left)
		left = sample_gap() + 1;
	if (--left)
		return false;
	left = sample_gap() + 1;
	return true;
}

static bool may_now(uint64_t now)
{
	return atomic_load_explicit(&alive, memory_order_relaxed) < LIVE_MOST &&
	       (mode.sample_asked ||
		       now >= atomic_load_explicit(&not_before, memory_order_relaxed));
}

static void pause_after(uint64_t since)
{
	uint64_t now = ticks();
	uint64_t from = MAX(now, atomic_load_explicit(&not_before, memory_order_relaxed));

	/* What two threads charge at once may count as one. */
	atomic_store_explicit(&not_before, MIN(from + (now - since) * PAUSE, now + PAUSE_MOST),
		memory_order_relaxed);
}

static vaddr_t ready_take(void)
{
	vaddr_t room = 0;

	lock_take(&large_lock);
	if (nready)
		room = ready[--nready];
	lock_drop(&large_lock);
	return room;
}

static bool place(struct large *l, size_t align, bool *zeroed)
{
	l->base = l->len == PAGE_SIZE ? ready_take() : 0;
	*zeroed = !l->base;
	if (!l->base)
		l->base = space_take(ROOM, ROOM);
	if (!l->base || (*zeroed && host_range_map(l->base + PAGE_SIZE, l->len)))
		return false;
	atomic_fetch_add(&alive, 1);
	l->at = l->base + PAGE_SIZE;
	if (ticks() >> 4 & 3) /* three of four: overflows are the more frequent */
		l->at += ALIGN_DOWN(l->len - l->size, align);
	return true;
}

void *sample_alloc(size_t size, size_t align, bool zero, void *frame)
{
	struct large as = {
		.size = size, .len = ALIGN_UP(size, PAGE_SIZE), .room = ROOM, .sampled = true};
	uint64_t since = ticks();
	struct large *l;

	if (!size || size > SAMPLE_MAX || !may_now(since))
		return NULL;
	l = large_new(&as, place, align, zero, frame);
	if (!l)
		return NULL;
	*(volatile char *)vaddr_ptr(l->at) = 0; /* its first fault counts, too */
	pause_after(since);
	return vaddr_ptr(l->at);
}

static void keep(vaddr_t from)
{
	vaddr_t room = nready < READY ? space_take(ROOM, ROOM) : 0;
	bool kept = false;

	if (!room || host_range_move(from, PAGE_SIZE, room + PAGE_SIZE, PAGE_SIZE))
		return;
	lock_take(&large_lock);
	if (nready < READY) {
		ready[nready++] = room;
		kept = true;
	}
	lock_drop(&large_lock);
	if (!kept)
		host_range_kill(room, ROOM);
}

void sample_died(const struct large *l)
{
	uint64_t since = ticks();

	if (!l->own && l->len == PAGE_SIZE)
		keep(l->base + PAGE_SIZE);
	/* All of the room: what is left on either side would be a mapping for ever. */
	host_range_kill(l->base, ROOM);
	atomic_fetch_sub(&alive, 1);
	pause_after(since);
}
