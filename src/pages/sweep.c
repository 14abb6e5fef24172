/*
 * sweep.c - see sweep.h. app context.
 *
 * A sheet in which all is dead moves, which costs a hundredth of killing its pages one by one, and fills
 * nothing anew.
 */
#include "sweep.h"
#include "cutter.h"
#include "clean.h"
#include "lasting.h"
#include "host/host.h"

void sheet_own(vaddr_t at)
{
	uintptr_t e;

	lock_take(&sweep_lock);
	e = space_entry(at);
	if ((e & SPACE_WHAT) == SPACE_SHEET)
		((struct sheet *)(e & ~SPACE_WHAT))->own = true;
	lock_drop(&sweep_lock);
}

/* Those of the spent that retire: all, or all but one, the last, that waits for the other of its pair. */
static struct mortal *spent_choose(struct mortal *spent, bool all)
{
	struct mortal *chosen = NULL, *next;
	bool waits = false;

	for (struct mortal *m = spent; m; m = m->next[SPENT])
		sheet_of_mortal(m)->retires = true;
	for (struct mortal *m = spent; m; m = next) {
		struct sheet *s = sheet_of_mortal(m);

		next = m->next[SPENT];
		if (!all && !waits && sheet_waits(s)) {
			waits = true;
			s->retires = false;
			atomic_store(&m->on[SPENT], 0);
			sheet_spent(s);
		} else {
			m->next[SPENT] = chosen;
			chosen = m;
		}
	}
	return chosen;
}

/* When all were looked at: one may take the other of its pair along. */
static void retire(struct mortal *spent, bool all)
{
	struct mortal *chosen = spent_choose(spent, all), *next;
	struct census n;

	for (struct mortal *m = chosen; m; m = m->next[SPENT]) {
		struct sheet *s = sheet_of_mortal(m);

		sheet_census(s, &n);
		panic_if(!n.whole, "a sheet was to die, and something in it lives");
		pages_swept.pages_killed += n.ndue;
		sheet_find_late(s, n.due);
		lasting_learn(s, n.dead);
		pace_died((size_t)n.ndue << PAGE_SHIFT);
	}
	for (struct mortal *m = chosen; m; m = next) {
		struct sheet *s = sheet_of_mortal(m);

		next = m->next[SPENT];
		if (!m->buried)
			sheet_retire(s);
		mortal_remember(m, sheet_weight(s));
	}
}

static bool forget(struct mortal *m)
{
	struct sheet *s = sheet_of_mortal(m);

	if (mortal_is_held(m, s))
		return false;
	space_entry_forget(s->at.base, SHEET_BYTES);
	sheet_free(s);
	return true;
}

/* Unless a sweep runs, or has killed it. Under its lock, for a sheet with a killed page does not move. */
static void page_kill(struct sheet *s, uint32_t u)
{
	uint64_t begun = ticks(), due[SHEET_WORDS] = {0};
	struct lock_section section;
	unsigned n = sheet_kind(s, u)->pages, others;

	lock_section_enter(&section);
	if (lock_try(&sweep_lock)) {
		others = s->at.huge && !sheet_is_holed(s) ? SHEET_PAGES - n : 0;
		for (uint32_t i = u; i < u + n; i++)
			due[i / 64] |= 1UL << (i % 64);
		if (!s->mortal.buried && !(s->killed[u / 64] >> (u % 64) & 1))
			sheet_kill(s, due);
		lock_drop(&sweep_lock);
		atonce_charge(begun, host_touches(others));
	}
	lock_section_leave(&section);
}

void page_died(struct sheet *s, uint32_t u, bool at_once)
{
	bool full;

	mortal_pending(&s->mortal);
	full = sheet_pages_died(s, u);
	if (at_once)
		page_kill(s, u);
	if (!full || !sheet_is_spent(s))
		return;
	sheet_spent(s);
	sweep_spent_if_many();
}

void pages_look_late(void)
{
	uint64_t in[SHEET_WORDS];

	lock_take(&sweep_lock);
	for (struct sheet *s = sheets_living(); s; s = s->next) {
		for (unsigned w = 0; w < SHEET_WORDS; w++)
			in[w] = ~s->killed[w];
		sheet_find_late(s, in);
	}
	lock_drop(&sweep_lock);
}

static bool look(struct mortal *m, size_t *due, unsigned *living)
{
	struct sheet *s = sheet_of_mortal(m);
	struct census n;

	sheet_census(s, &n);
	if (n.whole) {
		sheet_spent(s);
		atomic_store(&m->on[PENDING], 0);
		return false;
	}
	*due = (size_t)n.ndue << PAGE_SHIFT;
	*living = SHEET_PAGES - n.ndead;
	return true;
}

static void clean(struct mortal *list)
{
	for (struct mortal *m = list, *next; m; m = next) {
		next = m->next[PENDING];
		sheet_clean(sheet_of_mortal(m));
	}
}

const struct sweeper pages_sweeper = {sheet_bytes, look, clean, retire, forget, NULL, sheets_live};

#define HOLES_MOST 4096U /* mappings for that: 1 GB at least */

void pages_unmap(void)
{
	unsigned holes = 0;

	if (!ownlimit_is() || host_maps_scarce())
		return;
	lock_take(&sweep_lock);
	for (const struct sheet *s = sheets_living(); s; s = s->next)
		holes += sheet_holes(s);
	for (struct sheet *s = sheets_living(); s && holes < HOLES_MOST; s = s->next) {
		unsigned had = sheet_holes(s);

		sheet_unmap(s, HOLES_MOST - holes + had);
		holes += sheet_holes(s) - had;
	}
	lock_drop(&sweep_lock);
}
