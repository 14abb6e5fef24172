/*
 * stamp.c - see stamp.h. app context, no lock.
 *
 * The next stretch begins in the table, field by field, and is there when stamp_now says so. Whoever
 * comes meanwhile does the same again, which changes nothing; so it does not matter where one of
 * them stops (a fork's child, a handler).
 */
#include "stamp.h"
#include "clock.h"

#define STAMPS	    (1U << RECORD_STAMP_BITS)
#define TICKS_LEAST (1UL << 21)
#define SHARE_SHIFT 10

_Atomic uint32_t stamp_now;
uint64_t stamp_start_ns;

/* The first apart from the table, of which a short process touches nothing. */
static struct stretch {
	_Atomic uint64_t tsc, made; /* when it began; made: one more, for 0 is not said yet */
} first;
static struct stretch others[STAMPS] UD_TABLE;
static uint64_t (*blocks_made)(void);

static struct stretch *begun(uint32_t n)
{
	return n == 1 ? &first : &others[n];
}

static void begin(uint32_t n, uint64_t tsc)
{
	uint64_t none = 0;
	uint32_t before = n - 1;

	atomic_compare_exchange_strong(&begun(n)->tsc, &none, tsc);
	none = 0;
	atomic_compare_exchange_strong(&begun(n)->made, &none, blocks_made() + 1);
	atomic_compare_exchange_strong(&stamp_now, &before, n);
}

void stamp_start(uint64_t (*made)(void))
{
	blocks_made = made;
	stamp_start_ns = clock_fine_ns();
	first.tsc = ticks();
	first.made = 1; /* nothing */
	stamp_now = 1;
}

/* The ticks of stretch n, if somebody looks at its end. */
static uint64_t ticks_of(uint32_t n)
{
	return MAX(TICKS_LEAST, (begun(n)->tsc - begun(1)->tsc) >> SHARE_SHIFT);
}

void stamp_look(uint64_t tsc)
{
	uint32_t n = atomic_load_explicit(&stamp_now, memory_order_acquire);

	/* Another processor's counter may be a little behind. */
	if (likely((int64_t)(tsc - begun(n)->tsc) < (int64_t)ticks_of(n)) || !n || n + 1 == STAMPS)
		return;
	begin(n + 1, tsc);
}

/* Of a free that looked, no later than the stretch was to end; else before the next one began. */
static uint64_t end_of(uint32_t stamp, uint64_t now)
{
	if (stamp + 1 == STAMPS)
		return now;
	if (!mode.looks)
		return MIN(now, begun(stamp)->tsc + ticks_of(stamp));
	return stamp == stamp_now ? now : begun(stamp + 1)->tsc;
}

bool stamp_bounds(uint32_t stamp, uint64_t tsc, uint64_t past[2], uint64_t allocs[2])
{
	uint32_t last = stamp_now;
	uint64_t made;

	if (!stamp || stamp > last)
		return false;
	past[0] = tsc - end_of(stamp, tsc);
	past[1] = tsc - begun(stamp)->tsc;
	made = blocks_made() + 1;
	allocs[0] = stamp == last ? 0 : made - begun(stamp + 1)->made;
	allocs[1] = made - begun(stamp)->made;
	return true;
}

bool stamp_age(uint32_t stamp, struct stamp_age *a)
{
	uint64_t tsc = ticks(), ns = clock_fine_ns(), past[2];

	if (!ns || !stamp_start_ns || !stamp_bounds(stamp, tsc, past, a->allocs))
		return false;
	for (int i = 0; i < 2; i++)
		a->ns[i] = (uint64_t)((unsigned __int128)past[i] * (ns - stamp_start_ns) /
				      MAX(tsc - begun(1)->tsc, 1UL));
	return true;
}
