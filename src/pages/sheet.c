/*
 * sheet.c - see sheet.h: sheets are made, moved and given back.
 *
 * app context, signals blocked. What breaks it: memory that is ready and still mapped where it was.
 */
#include "sheet.h"
#include "host/host.h"

#include <errno.h>

/*
 * Memory of dead sheets is kept at fresh addresses for the next ones: so many, and one more for
 * each eight that live.
 */
#define READY_LEAST 4U
#define READY_MOST  128U
/*
 * Huge ones come in pairs, one mapping of 4 MB: one call moves both when both are dead, and a call takes as
 * long as the misses of all of their pages do. What is no pair moves so often; then a pair takes its place, if huge
 * pages come.
 */
#define ALONE_MOST  16U

struct lock sheet_lock = LOCK(SHEET);

static struct sheet_at ready[READY_MOST] UD_TABLE;
static struct sheet *_Atomic living;
static struct sheet_counts counts;
static struct policy_huge huge_pages;
static uint64_t replaced; /* of what went back to the system: fresh ones came in its place */
struct pages_swept pages_swept;

static size_t live_bytes(const struct sheet *s)
{
	return s->words * sizeof(*s->live);
}

size_t sheet_weight(const struct sheet *s)
{
	size_t n = sizeof(*s) + live_bytes(s) * (s->gone ? 2 : 1);

	for (const struct records *r = s->records; r; r = r->next)
		n += sizeof(*r);
	return n + (s->rec ? SHEET_PAGES * sizeof(*s->rec) : 0);
}

void sheet_free(struct sheet *s)
{
	for (struct records *r = s->records, *next; r; r = next) {
		next = r->next;
		meta_free(r, sizeof(*r));
	}
	if (s->rec)
		meta_free(s->rec, SHEET_PAGES * sizeof(*s->rec));
	if (s->gone)
		meta_free((void *)s->gone, live_bytes(s));
	if (s->live)
		meta_free((void *)s->live, live_bytes(s));
	meta_free(s, sizeof(*s));
}

static struct sheet *sheet_build(bool runs)
{
	struct sheet *s = meta_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->words = SHEET_PAGES * (runs ? 1 : SHEET_PAGE_WORDS);
	s->live = meta_alloc(live_bytes(s));
	if (mode.records)
		s->rec = meta_alloc(SHEET_PAGES * sizeof(*s->rec));
	if (s->live && (s->rec || !mode.records))
		return s;
	sheet_free(s);
	return NULL;
}

/* The last; false: there are no more. */
static bool ready_take(struct sheet_at *p)
{
	bool is;

	lock_take(&sheet_lock);
	is = counts.ready > 0;
	if (is)
		*p = ready[--counts.ready];
	lock_drop(&sheet_lock);
	return is;
}

static bool ready_wanted(uint32_t n)
{
	return counts.ready + n <= MIN(READY_LEAST + counts.live / 8, READY_MOST);
}

/*
 * p and those behind it, n in all, are kept, to be taken in this order, and what is no pair after all pairs;
 * false: none is.
 */
static bool ready_put(struct sheet_at p, uint32_t n)
{
	uint32_t i;
	bool room;

	lock_take(&sheet_lock);
	room = ready_wanted(n);
	for (p.base += n * SHEET_BYTES; room && n--;) {
		p.base -= SHEET_BYTES;
		for (i = counts.ready++; i && !p.pair && ready[i - 1].pair; i--)
			ready[i] = ready[i - 1];
		ready[i] = p;
	}
	lock_drop(&sheet_lock);
	return room;
}

/*
 * The first touch of a huge page is dearer than all kills in it: it is made here, to be seen by the
 * clock, and is a part of what it cost to kill another one in pieces instead of moving it.
 */
static void sheet_warm(const struct sheet *s)
{
	uint64_t took = ticks();
	bool again;

	*(volatile char *)vaddr_ptr(s->at.base) = 0;
	took = ticks() - took;
	lock_take(&sheet_lock);
	policy_huge_touched(&huge_pages, s->at.huge, took);
	again = replaced + counts.moved + counts.ready < counts.retired;
	replaced += again;
	lock_drop(&sheet_lock);
	if (again)
		pace_refilled(s->at.huge ? took : took * SHEET_PAGES);
}

/* What was never used: of a pair, the other is ready. */
static int place_fresh(struct sheet_at *p, bool pair)
{
	size_t len = SHEET_BYTES << pair;
	struct sheet_at other;
	int err;

	*p = (struct sheet_at){.base = space_take(len, len), .huge = pair, .pair = pair};
	if (!p->base)
		return -ENOMEM;
	do
		err = host_range_map(p->base, len);
	while (err && host_spare());
	if (err)
		space_untake(p->base, len);
	if (err || !pair)
		return err;
	host_range_huge(p->base, len, true);
	other = *p;
	other.base += SHEET_BYTES;
	p->pair = ready_put(other, 1);
	if (!p->pair)
		host_range_kill(other.base, SHEET_BYTES);
	return 0;
}

static bool huge_come(void)
{
	bool come;

	lock_take(&sheet_lock);
	come = policy_huge_next(&huge_pages);
	lock_drop(&sheet_lock);
	return come;
}

static void huge_missed(void)
{
	lock_take(&sheet_lock);
	policy_huge_missed(&huge_pages);
	lock_drop(&sheet_lock);
}

static int sheet_place(struct sheet *s, bool huge)
{
	int err = 0;

	if (!ready_take(&s->at)) {
		huge = huge && huge_come();
		err = place_fresh(&s->at, huge);
	}
	if (err && huge)
		err = place_fresh(&s->at, false);
	if (!err && !s->at.moves)
		sheet_warm(s);
	return err;
}

void sheets_live(void)
{
	size_t there = (size_t)counts.live * SHEET_BYTES;
	size_t gone = ((size_t)pages_swept.holes << PAGE_SHIFT) + pace_waiting();

	pace_lives(there > gone ? there - gone : 0);
}

struct sheet *sheet_new(bool runs, bool huge, int *err)
{
	struct sheet *s = sheet_build(runs);

	*err = s ? sheet_place(s, huge) : -ENOMEM;
	if (*err) {
		if (s)
			sheet_free(s);
		return NULL;
	}
	lock_take(&sheet_lock);
	counts.made++;
	counts.moved += s->at.moves > 0;
	counts.live++;
	s->next = living;
	if (living)
		living->prev = s;
	living = s;
	lock_drop(&sheet_lock);
	space_entry_set(s->at.base, SHEET_BYTES, (uintptr_t)s | SPACE_SHEET);
	sheets_live();
	return s;
}

bool sheet_pages_died(struct sheet *s, uint32_t u)
{
	uint32_t end = u + sheet_kind(s, u)->pages;
	bool full = false;

	for (uint32_t n; u < end; u += n) {
		uint64_t bits;

		n = MIN(end - u, 64 - u % 64);
		bits = ~0UL >> (64 - n) << u % 64;
		full |= (atomic_fetch_or(&s->dead[u / 64], bits) | bits) == ~0UL;
	}
	return full;
}

bool sheet_is_spent(struct sheet *s)
{
	uint64_t all = ~0UL;

	/* In this order: an owner that hands out the rest sets the bits first. */
	if (atomic_load_explicit(&s->handed, memory_order_acquire) != SHEET_PAGES)
		return false;
	for (uint32_t w = 0; w < SHEET_WORDS; w++)
		all &= atomic_load(&s->dead[w]);
	return all == ~0UL;
}

/*
 * Is it to be moved? Pages that were killed one by one have no memory any more, and where a guard was
 * refused (mlock) no mapping either: mremap may move such a hole along (Linux >= 6.17), and somebody
 * would be given it.
 */
static bool sheet_moves(const struct sheet *s)
{
	bool wanted;

	lock_take(&sheet_lock);
	wanted = ready_wanted(1);
	lock_drop(&sheet_lock);
	return wanted && !sheet_is_holed(s) && !s->own;
}

/* It is none of the living any more. */
static void sheet_leave(struct sheet *s)
{
	lock_take(&sheet_lock);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		living = s->next;
	counts.live--;
	counts.retired++;
	lock_drop(&sheet_lock);
	s->mortal.buried = true;
	for (unsigned w = 0; w < SHEET_WORDS; w++)
		pages_swept.holes -= (unsigned)__builtin_popcountl(s->killed[w]);
}

/*
 * The memory of s, or of its pair, to fresh addresses, which nobody knows yet; false: it is where it was.
 */
static bool sheet_move(const struct sheet *s, bool pair)
{
	size_t len = SHEET_BYTES << pair;
	vaddr_t from = ALIGN_DOWN(s->at.base, len), to = space_take(len, len);
	uint8_t moves = pair ? 1 : (uint8_t)MIN(s->at.moves + 1U, ALONE_MOST);
	struct sheet_at p = {to, s->at.huge, pair, moves};

	if (!to)
		return false;
	if (host_range_move(from, len, to, len)) {
		space_untake(to, len);
		return false;
	}
	if (!s->at.huge)
		huge_missed();
	if (!ready_put(p, 1U << pair))
		host_range_kill(to, len);
	return true;
}

/* The other of its pair, if it did not die before; NULL: there is none, or nobody was given it yet. */
static struct sheet *sheet_other(const struct sheet *s)
{
	uintptr_t e = s->at.pair ? space_entry(s->at.base ^ SHEET_BYTES) : 0;
	struct sheet *other = (struct sheet *)(e & ~SPACE_WHAT);

	return (e & SPACE_WHAT) == SPACE_SHEET && !other->mortal.buried ? other : NULL;
}

bool sheet_waits(const struct sheet *s)
{
	const struct sheet *other = sheet_other(s);

	return other ? !other->retires : s->at.pair && !space_entry(s->at.base ^ SHEET_BYTES);
}

void sheet_retire(struct sheet *s)
{
	struct sheet *other = sheet_other(s);
	bool moves = sheet_moves(s);

	sheet_leave(s);
	if (moves && other && other->retires && sheet_moves(other) && sheet_move(s, true))
		sheet_leave(other);
	else if (!moves || (s->at.moves == ALONE_MOST && huge_come()) || !sheet_move(s, false))
		host_range_kill(s->at.base, SHEET_BYTES);
	sheets_live();
}

void sheet_give_back(void)
{
	struct sheet_at p;

	while (ready_take(&p))
		host_range_kill(p.base, SHEET_BYTES);
}

#define LONG 64U /* pages: a hole is a mapping more */

unsigned sheet_holes(const struct sheet *s)
{
	unsigned n = 0;

	for (uint32_t u = 0; (u = bits_next(s->unmapped, u, SHEET_PAGES)) < SHEET_PAGES; n++)
		u = bits_end(s->unmapped, u, SHEET_PAGES);
	return n;
}

void sheet_unmap(struct sheet *s, unsigned most)
{
	uint64_t guarded[SHEET_WORDS];

	for (unsigned w = 0; w < SHEET_WORDS; w++)
		guarded[w] = s->killed[w] & ~s->unmapped[w];
	for (uint32_t u = 0, hi; (u = bits_next(s->killed, u, SHEET_PAGES)) < SHEET_PAGES; u = hi) {
		hi = bits_end(s->killed, u, SHEET_PAGES);
		if (hi - u < LONG || bits_next(guarded, u, hi) == hi || sheet_holes(s) >= most)
			continue;
		host_range_kill(sheet_page_at(s, u), (size_t)(hi - u) << PAGE_SHIFT);
		for (uint32_t i = u; i < hi; i++)
			s->unmapped[i / 64] |= 1UL << (i % 64);
	}
}

struct sheet *sheets_living(void)
{
	return living;
}

size_t sheet_bytes(void)
{
	return (size_t)(counts.live + counts.ready) * SHEET_BYTES;
}

void sheet_count(struct sheet_counts *c)
{
	*c = counts;
}
