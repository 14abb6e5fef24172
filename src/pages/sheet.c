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

struct lock sheet_lock = LOCK(SHEET);

static vaddr_t ready[READY_MOST] UD_TABLE; /* | READY_HUGE */
#define READY_HUGE 1UL
static struct sheet *_Atomic living;
static struct sheet_counts counts;
static uint64_t replaced; /* of what went back to the system: fresh ones came in its place */
struct pages_swept pages_swept;

static size_t live_bytes(void)
{
	return SHEET_LIVE * sizeof(uint64_t);
}

size_t sheet_weight(const struct sheet *s)
{
	size_t n = sizeof(*s) + live_bytes() * (s->gone ? 2 : 1);

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
		meta_free((void *)s->gone, live_bytes());
	if (s->live)
		meta_free((void *)s->live, live_bytes());
	meta_free(s, sizeof(*s));
}

static struct sheet *sheet_build(void)
{
	struct sheet *s = meta_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->live = meta_alloc(live_bytes());
	s->plain = !mode.records && !mode.poison && !mode.share;
	if (mode.records)
		s->rec = meta_alloc(SHEET_PAGES * sizeof(*s->rec));
	if (s->live && (s->rec || !mode.records))
		return s;
	sheet_free(s);
	return NULL;
}

static vaddr_t ready_take(void)
{
	vaddr_t at;

	lock_take(&sheet_lock);
	at = counts.ready ? ready[--counts.ready] : 0;
	counts.moved += at != 0;
	lock_drop(&sheet_lock);
	return at;
}

/* True: it is kept. */
static bool ready_put(vaddr_t at)
{
	bool room;

	lock_take(&sheet_lock);
	room = counts.ready < MIN(READY_LEAST + counts.live / 8, READY_MOST);
	if (room)
		ready[counts.ready++] = at;
	lock_drop(&sheet_lock);
	return room;
}

/*
 * The first touch of a huge page is dearer than all kills in it: it is made here, to be seen by the
 * clock, and is a part of what it cost to kill another one in pieces instead of moving it.
 */
static void sheet_warm(vaddr_t at)
{
	uint64_t from = ticks();
	bool again;

	*(volatile char *)vaddr_ptr(at) = 0;
	lock_take(&sheet_lock);
	again = replaced < counts.retired - counts.moved - counts.ready;
	replaced += again;
	lock_drop(&sheet_lock);
	if (again)
		pace_refilled(ticks() - from);
}

static int sheet_place(struct sheet *s, bool huge)
{
	int err;

	s->base = ready_take();
	if (s->base) {
		s->huge = s->base & READY_HUGE;
		s->base &= ~READY_HUGE;
		return 0;
	}
	s->base = space_take(SHEET_BYTES, SHEET_BYTES);
	if (!s->base)
		return -ENOMEM;
	do
		err = host_range_map(s->base, SHEET_BYTES);
	while (err && host_spare());
	if (err)
		return err;
	s->zeroed = true;
	s->huge = huge;
	if (huge) {
		host_range_huge(s->base, SHEET_BYTES);
		sheet_warm(s->base);
	}
	return 0;
}

void sheets_live(void)
{
	size_t there = (size_t)counts.live * SHEET_BYTES;
	size_t gone = ((size_t)pages_swept.holes << PAGE_SHIFT) + pace_waiting();

	pace_lives(there > gone ? there - gone : 0);
}

struct sheet *sheet_new(bool huge, int *err)
{
	struct sheet *s = sheet_build();

	*err = s ? sheet_place(s, huge) : -ENOMEM;
	if (*err) {
		if (s)
			sheet_free(s);
		return NULL;
	}
	lock_take(&sheet_lock);
	counts.made++;
	counts.live++;
	s->next = living;
	if (living)
		living->prev = s;
	living = s;
	lock_drop(&sheet_lock);
	space_entry_set(s->base, SHEET_BYTES, (uintptr_t)s | SPACE_SHEET);
	sheets_live();
	return s;
}

bool sheet_pages_died(struct sheet *s, uint32_t u)
{
	bool full = false;

	for (uint32_t n = sheet_kind(s, u)->pages; n--; u++) {
		uint64_t bit = 1UL << (u % 64);

		full |= (atomic_fetch_or(&s->dead[u / 64], bit) | bit) == ~0UL;
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
 * Its memory to fresh addresses, which nobody knows yet; 0: it did not work, or does not pay. Pages
 * that were killed one by one have no memory any more, and where a guard was refused (mlock) no
 * mapping either: mremap may move such a hole along (Linux >= 6.17), and somebody would be given
 * it.
 */
static vaddr_t sheet_move(struct sheet *s)
{
	vaddr_t to = sheet_is_holed(s) ? 0 : space_take(SHEET_BYTES, SHEET_BYTES);

	return to && !host_range_move(s->base, SHEET_BYTES, to, SHEET_BYTES) ? to : 0;
}

void sheet_retire(struct sheet *s)
{
	bool wanted;
	vaddr_t to;

	lock_take(&sheet_lock);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		living = s->next;
	counts.live--;
	counts.retired++;
	wanted = counts.ready < MIN(READY_LEAST + counts.live / 8, READY_MOST);
	lock_drop(&sheet_lock);
	for (unsigned w = 0; w < SHEET_WORDS; w++)
		pages_swept.holes -= (unsigned)__builtin_popcountl(s->killed[w]);
	sheets_live();
	to = wanted && !s->own ? sheet_move(s) : 0;
	if (!to)
		host_range_kill(s->base, SHEET_BYTES);
	else if (!ready_put(to | (s->huge ? READY_HUGE : 0)))
		host_range_kill(to, SHEET_BYTES);
}

void sheet_give_back(uint32_t but)
{
	vaddr_t at;

	do {
		lock_take(&sheet_lock);
		at = counts.ready > but ? ready[--counts.ready] : 0;
		lock_drop(&sheet_lock);
		if (at)
			host_range_kill(at & ~READY_HUGE, SHEET_BYTES);
	} while (at);
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
