/* pace.c - see pace.h. app context, no lock but the sweep's. */
#include "pace.h"
#include "clock.h"
#include "mode.h"
#include "owner.h"
#include "ticks.h"

static _Atomic uint64_t freed_total, freed_bytes_total;
/* The last sweep, and the one before. */
static struct {
	uint64_t frees, bytes, ns;
} swept, swept_before;
/* Bytes that wait to die, about: freed_bytes_total less this. */
static _Atomic uint64_t waiting_base;
static _Atomic size_t waiting_wish = WAITING_LEAST;

/*
 * Do several threads free by turns? They may run at once then. How many there are says little: most
 * wait for something.
 */
static _Atomic(struct owner *) freed_last;
static _Atomic uint32_t freed_turns;
static bool several; /* as of the last look */

static uint64_t kills_from, kills_to; /* processor's time: of the last sweep */
static _Atomic uint64_t refills;      /* likewise: of what came in place of the killed, since */

static _Atomic size_t lives, lived; /* now, and lately at the most */

static size_t waiting_limit(size_t heap)
{
	return MAX(policy_waiting_limit(heap, several, mode.grouped),
		policy_waiting_idle(lived, lives));
}

void pace_lives(size_t bytes)
{
	lives = bytes;
	if (lived < bytes)
		lived = bytes;
}

size_t pace_most(size_t heap)
{
	return mode.defer_bytes ? mode.defer_bytes : MIN(waiting_wish, waiting_limit(heap));
}

void pace_begin(void)
{
	swept_before = swept;
	swept.frees = atomic_load(&freed_total);
	swept.bytes = atomic_load(&freed_bytes_total);
	swept.ns = clock_ns();
}

bool pace_look(void)
{
	static uint32_t looked_turns;
	static uint64_t looked_ns;

	if (swept.ns - looked_ns < LOOK_NS)
		return false;
	looked_ns = swept.ns;
	lived = policy_lived(lived, lives);
	several = policy_several(freed_turns - looked_turns);
	looked_turns = freed_turns;
	return true;
}

void pace_kills_begin(void)
{
	kills_from = ticks();
}

void pace_kills_end(size_t heap)
{
	uint64_t before = kills_to;

	kills_to = ticks();
	waiting_wish = policy_waiting_tune(waiting_wish, waiting_limit(heap),
		kills_to - kills_from + atomic_exchange(&refills, 0), kills_from - before);
}

void pace_refilled(uint64_t cycles)
{
	atomic_fetch_add(&refills, cycles);
}

void pace_end(size_t left)
{
	waiting_base = swept.bytes - left;
}

void pace_died(size_t bytes)
{
	waiting_base += bytes;
}

void pace_waits(struct pace_since *since)
{
	if (since->frees)
		return;
	since->frees = swept_before.frees + 1; /* never 0 */
	since->ns = swept_before.ns;
}

bool pace_is_old(const struct pace_since *since)
{
	return policy_old(mode.defer_frees, swept.frees + 1 - since->frees, mode.defer_ns,
		swept.ns - since->ns);
}

static bool sweep_is_due(uint64_t frees, uint64_t bytes, size_t heap)
{
	return policy_sweep_due(mode.strict, mode.defer_frees, frees - swept.frees,
		       (int64_t)(bytes - waiting_base), pace_most(heap)) ||
	       policy_sweep_late(mode.defer_ns, clock_ns() - swept.ns);
}

void (*pace_tick)(void);

uint64_t pace_waiting(void)
{
	int64_t n = (int64_t)(freed_bytes_total - waiting_base);

	return n > 0 ? (uint64_t)n : 0;
}

bool pace_freed(uint32_t frees, size_t bytes, size_t heap)
{
	uint64_t f = atomic_fetch_add(&freed_total, frees) + frees;
	uint64_t b = atomic_fetch_add(&freed_bytes_total, bytes) + bytes;

	if (atomic_load_explicit(&freed_last, memory_order_relaxed) != owner_mine) {
		atomic_store_explicit(&freed_last, owner_mine, memory_order_relaxed);
		atomic_fetch_add(&freed_turns, 1);
	}
	if (unlikely(pace_tick != NULL))
		pace_tick();
	return sweep_is_due(f, b, heap);
}
