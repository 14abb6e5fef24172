/* policy.c - see policy.h. pure. */
#include "policy.h"

/*
 * Killed units wait in their views for a sweep to give them back: so many frees cost as much as the
 * sweep's own work, and hold 2 MB of pages at most.
 */
#define STRICT_FREES 512

bool policy_sweep_due(bool strict, uint64_t bound, uint64_t frees, int64_t waiting, size_t most)
{
	return frees >= (strict ? STRICT_FREES : bound / SWEEPS_A_BOUND) ||
	       waiting >= (int64_t)most;
}

bool policy_sweep_late(uint64_t bound_ns, uint64_t ns)
{
	return ns >= bound_ns / SWEEPS_A_BOUND;
}

bool policy_old(uint64_t bound, uint64_t frees, uint64_t bound_ns, uint64_t ns)
{
	return frees >= bound / SWEEPS_A_BOUND * (SWEEPS_A_BOUND - 1) ||
	       ns >= bound_ns / SWEEPS_A_BOUND * (SWEEPS_A_BOUND - 1);
}

/* How many threads there are says little: most wait for something. */
#define TURNS_ALONE 4

bool policy_several(uint32_t turns)
{
	return turns > TURNS_ALONE;
}

/*
 * With several threads each kill interrupts the others: half of the heap may wait. In mstress 16 MB
 * would hold 89 MB instead of 172 and take 1.6 times as long, 8 MB 80 and 2.5 (README). With one it
 * is a quarter, or where objects die in groups an eighth, for fewer live on among the dead there.
 * But what has died in pieces does not move, and is replaced by fresh memory: with 96 MB for several
 * threads most sheets of larson and mstress die whole, and they take 1.68 and 1.64 times glibc's
 * time; with 64 MB 2.2 and 2.7 in a tenth less memory, with 128 MB 1.70 and 1.52 in as much more.
 */
#define WAITING_SOME (32UL << 20)

size_t policy_waiting_limit(size_t heap, bool several, bool grouped)
{
	if (several)
		return MAX(grouped ? 3 * WAITING_SOME : WAITING_SOME, heap / 2);
	return grouped ? MAX(WAITING_SOME / 2, heap / 8) : MAX(WAITING_SOME, heap / 4);
}

/*
 * Sheets in which half was dead were killed in pieces, and what came next got fresh memory: blocks of a page or
 * two, allocated in bulk and freed in pieces (bench/prog/pieces.c), took 1.64 times glibc's time without this,
 * 1.29 with it, in 120 MB instead of 117.
 */
size_t policy_waiting_idle(size_t lived, size_t lives)
{
	return lived > lives ? WAITING_SOME / 2 + lived - lives : 0;
}

/* Half of it after 700 ms. */
#define LIVED_SHIFT 4

size_t policy_lived(size_t lived, size_t lives)
{
	return lived > lives ? lived - ((lived - lives) >> LIVED_SHIFT) : lives;
}

/*
 * As few as are cheap: more, if kills in views that live on take more than this share of the time;
 * fewer, if half of that. What that does to the living, and to other processors, is not seen. From
 * 16 MB for all programs to this: deferred 1.86 -> 1.62 times glibc, with longer views (b86548b).
 * Four times as many, where they take four times that share: a fifth of mstress's time went by
 * until it had come to its limit by quarters.
 */
#define KILLS_SHARE 32

size_t policy_waiting_tune(size_t wish, size_t limit, uint64_t kills, uint64_t between)
{
	if (kills * KILLS_SHARE > between * 4)
		return MIN(MIN(wish, limit) * 4, limit);
	if (kills * KILLS_SHARE > between)
		return MIN(MIN(wish, limit) / 4 * 5, limit);
	if (kills * KILLS_SHARE * 2 < between)
		return MAX(wish / 8 * 7, WAITING_LEAST);
	return wish;
}

/*
 * Bytes that come back for each unit that lives on, for around those the kills are many and the
 * faults come: each loses its page-table entry. Sorted so, and with spent views first, deferred
 * went from 3.35 to 2 times glibc (4415ce9). A view costs as much as some of the living.
 */
#define LIVING_LEAST 4

unsigned policy_worth(uint64_t bytes, unsigned living)
{
	uint64_t x = bytes * 16 / (LIVING_LEAST + living) | 1;
	unsigned lg = 63U - (unsigned)__builtin_clzl(x);

	return MIN(2 * lg + (lg ? x >> (lg - 1) & 1 : 0), WORTHS - 1);
}

unsigned policy_cut(const size_t waiting[WORTHS], size_t most, size_t *left)
{
	size_t allowed = most / SWEEPS_A_BOUND * (SWEEPS_A_BOUND - 1);
	unsigned cut = WORTHS;

	*left = 0;
	for (unsigned t = 0; t < WORTHS; t++)
		*left += waiting[t];
	while (cut && *left > allowed)
		*left -= waiting[--cut];
	return cut;
}

#define LASTS	 8 /* one of so many */
#define LIVES_OF 1024

bool policy_lasts(struct policy_lives *l, uint32_t died, uint32_t lived)
{
	l->died += died;
	l->lived += lived;
	while (l->died + l->lived > LIVES_OF) {
		l->died /= 2;
		l->lived /= 2;
	}
	return l->lived * LASTS > l->died + l->lived;
}

/*
 * Spent views die together, while their memory is in the cache, and it is not much: with 8 MB a
 * loop of malloc, memset and free of 30 KB took twice as long (b5125e0). Views whose memory is
 * little are as many as make one system call for all cheap: 64 MB of addresses.
 */
#define SPENT_PAGES (32 * (HUGE_SIZE >> PAGE_SHIFT))
#define SPENT_BYTES (2UL << 20)

/* A pair of sheets moves by one call, and in a third-level cache 4 MB are as near as 2. */
#define SPENT_SHEETS (2 * HUGE_SIZE)

bool policy_spent_enough(bool grouped, uint32_t pages, size_t bytes)
{
	if (grouped)
		return bytes >= SPENT_SHEETS;
	return pages >= SPENT_PAGES || bytes >= SPENT_BYTES;
}

/*
 * A thread that makes few of a size must not sit on a whole row, nor may many threads, each on one:
 * its first views are small, and all are where several take theirs by turns.
 */
#define UNITS_FIRST  16U
#define UNITS_SHARED 128U
#define VIEWS_SMALL  4
#define OTHERS_FEW   8

uint32_t policy_view_units(uint32_t views, uint64_t others, uint32_t all)
{
	uint32_t most = others > OTHERS_FEW ? UNITS_SHARED : all;

	return views < VIEWS_SMALL ? MIN(UNITS_FIRST << 2 * views, most) : most;
}

bool policy_huge_next(const struct policy_huge *h)
{
	return h->owed <= 0;
}

static void huge_pay(struct policy_huge *h, int64_t part)
{
	if (h->owed > 0)
		h->owed -= part;
}

void policy_huge_missed(struct policy_huge *h)
{
	huge_pay(h, HUGE_SMALL / 256);
}

void policy_huge_touched(struct policy_huge *h, bool huge, uint64_t ticks)
{
	/* Of so many ticks is one part. */
	uint64_t part = MAX(h->small * (HUGE_SIZE / PAGE_SIZE) / HUGE_SMALL, 1UL);

	if (!huge) {
		h->small = h->small ? MIN(h->small, ticks) : ticks;
		huge_pay(h, HUGE_SMALL / 16);
	} else if (h->small) {
		h->owed += (int64_t)MIN(ticks / part, (uint64_t)HUGE_MOST) - HUGE_SMALL;
		h->owed = MAX(h->owed, -HUGE_SAVED);
	}
}
