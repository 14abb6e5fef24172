/*
 * sweep.c - see sweep.h.
 *
 * app context. A free that leaves a page without live objects puts its sheet on the pending list; a
 * sweep looks through those and has killed what is due (clean.c). A sheet in which all is dead is
 * spent: it moves, which costs a hundredth of killing its pages one by one, and fills nothing anew.
 * So nothing else is killed before a bound says so, and then where the most bytes are had for the
 * fewest kills.
 */
#include "sweep.h"
#include "cutter.h"
#include "clean.h"
#include "dead.h"
#include "pending.h"
#include "host/host.h"

struct lock pages_sweep_lock = LOCK(SWEEP);

void sheet_own(vaddr_t at)
{
	uintptr_t e;

	lock_take(&pages_sweep_lock);
	e = space_entry(at);
	if ((e & SPACE_WHAT) == SPACE_SHEET)
		((struct sheet *)(e & ~SPACE_WHAT))->own = true;
	lock_drop(&pages_sweep_lock);
}

/*
 * Those of the spent that retire: all in a sweep, else all but one, the last, that waits for the other of its
 * pair.
 */
static struct sheet *spent_choose(bool all)
{
	struct sheet *spent = sheets_spent(), *retire = NULL, *next;
	bool waits = false;

	for (struct sheet *s = spent; s; s = s->spent_next)
		s->retires = true;
	for (struct sheet *s = spent; s; s = next) {
		next = s->spent_next;
		if (!all && !waits && sheet_waits(s)) {
			waits = true;
			s->retires = false;
			sheet_spent_again(s);
		} else {
			s->spent_next = retire;
			retire = s;
		}
	}
	return retire;
}

/* They die, when all were looked at: one may take the other of its pair along. */
static void spent_retire(bool all)
{
	struct sheet *retire = spent_choose(all), *next;
	struct census n;

	for (struct sheet *s = retire; s; s = s->spent_next) {
		sheet_look(s, &n);
		panic_if(!n.whole, "a sheet was to die, and something in it lives");
		pages_swept.pages_killed += n.ndue;
		sheet_find_late(s, n.due);
		pace_died((size_t)n.ndue << PAGE_SHIFT);
	}
	for (struct sheet *s = retire; s; s = next) {
		next = s->spent_next;
		if (!s->buried)
			sheet_retire(s);
		dead_sheet_push(s);
	}
	dead_sheets_forget();
}

static void spent_look(struct sheet *s)
{
	struct lock_section section;

	if (!sheet_is_spent(s))
		return;
	sheet_spent_add(s);
	if (!sheets_spent_many())
		return;
	lock_section_enter(&section);
	if (lock_try(&pages_sweep_lock)) {
		spent_retire(false);
		lock_drop(&pages_sweep_lock);
	}
	lock_section_leave(&section);
}

/* Unless a sweep runs, or has killed it. Under its lock, for a sheet with a killed page does not move. */
static void page_kill(struct sheet *s, uint32_t u)
{
	uint64_t begun = ticks(), due[SHEET_WORDS] = {0};
	struct lock_section section;
	unsigned n = sheet_kind(s, u)->pages, others;

	lock_section_enter(&section);
	if (lock_try(&pages_sweep_lock)) {
		others = s->at.huge && !sheet_is_holed(s) ? SHEET_PAGES - n : 0;
		for (uint32_t i = u; i < u + n; i++)
			due[i / 64] |= 1UL << (i % 64);
		if (!s->buried && !(s->killed[u / 64] >> (u % 64) & 1))
			sheet_kill(s, due);
		lock_drop(&pages_sweep_lock);
		atonce_charge(begun, host_touches(others));
	}
	lock_section_leave(&section);
}

void sheet_page_died(struct sheet *s, uint32_t u, bool at_once)
{
	bool full;

	sheet_pending(s);
	full = sheet_pages_died(s, u);
	if (at_once)
		page_kill(s, u);
	if (full)
		spent_look(s);
}

void pages_look_late(void)
{
	uint64_t in[SHEET_WORDS];

	lock_take(&pages_sweep_lock);
	for (struct sheet *s = sheets_living(); s; s = s->next) {
		for (unsigned w = 0; w < SHEET_WORDS; w++)
			in[w] = ~s->killed[w];
		sheet_find_late(s, in);
	}
	lock_drop(&pages_sweep_lock);
}

/* First look; true: it is spent, and done with. What waits is added to waiting[]. */
static bool sheet_first_look(struct sheet *s, size_t waiting[WORTHS])
{
	struct census n;

	sheet_look(s, &n);
	if (n.whole) {
		sheet_spent_add(s);
		atomic_store(&s->pending, 0);
		return true;
	}
	pace_waits(&s->since);
	s->worth = (uint8_t)policy_worth((uint64_t)n.ndue << PAGE_SHIFT, SHEET_PAGES - n.ndead);
	waiting[s->worth] += (size_t)n.ndue << PAGE_SHIFT;
	return false;
}

/* Returns the bytes that wait on. */
static size_t sweep_list(struct sheet *s, bool all)
{
	size_t waiting[WORTHS] = {0}, left;
	struct sheet *later = NULL, *next;
	unsigned cut;

	for (; s; s = next) {
		next = s->pending_next;
		if (s->buried) {
			atomic_store(&s->pending, 0);
			continue;
		}
		if (sheet_first_look(s, waiting))
			continue;
		s->pending_next = later;
		later = s;
	}
	cut = policy_cut(waiting, pace_most(sheet_bytes()), &left);
	for (s = later; s; s = next) {
		next = s->pending_next;
		if (!all && s->worth < cut && !pace_is_old(&s->since))
			sheet_pending_again(s);
		else
			sheet_clean(s);
	}
	return all ? 0 : left;
}

bool pages_sweep(bool all)
{
	size_t left;

	if (all)
		lock_take(&pages_sweep_lock);
	else if (!lock_try(&pages_sweep_lock))
		return false;
	pace_begin();
	pace_look();
	pace_kills_begin();
	left = sweep_list(sheets_pending(), all);
	pace_kills_end(sheet_bytes());
	spent_retire(true);
	pace_end(left);
	sheets_live();
	pages_swept.sweeps++;
	lock_drop(&pages_sweep_lock);
	return true;
}

void pages_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;

	if (!pace_freed(frees, bytes, sheet_bytes()))
		return;
	lock_section_enter(&s);
	pages_sweep(false);
	lock_section_leave(&s);
}
