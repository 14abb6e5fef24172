/*
 * clean.c - see clean.h. app context, sweep_lock held.
 *
 * What breaks it: a page that is killed while somebody may still be handed an object of it.
 */
#include "clean.h"
#include "host/host.h"
#include "lasting.h"
#include "pages.h"

/* The dead of 64 pages, those among them that no thread found dead. */
static uint64_t dead_word(struct sheet *s, unsigned w)
{
	uint64_t left = atomic_load(&s->left[w]) & ~atomic_load(&s->dead[w]);

	for (; left; left &= left - 1) {
		uint32_t u = w * 64 + (uint32_t)__builtin_ctzl(left);

		if (sheet_page_empty(s, u, sheet_kind(s, u)->slots))
			sheet_pages_died(s, u);
	}
	return atomic_load(&s->dead[w]);
}

void sheet_census(struct sheet *s, struct census *n)
{
	bool all = atomic_load_explicit(&s->handed, memory_order_acquire) == SHEET_PAGES;

	n->ndead = n->ndue = 0;
	for (unsigned w = 0; w < SHEET_WORDS; w++) {
		n->dead[w] = dead_word(s, w);
		n->due[w] = n->dead[w] & ~s->killed[w];
		n->ndead += (unsigned)__builtin_popcountl(n->dead[w]);
		n->ndue += (unsigned)__builtin_popcountl(n->due[w]);
	}
	n->whole = all && n->ndead == SHEET_PAGES;
}

static void find_twice(struct sheet *s)
{
	uint32_t idx = livebits_twice(s->live, &s->gone, (uint32_t)s->words);

	if (idx != ~0U)
		late_note(LATE_TWICE, sheet_slot_at(s, idx), 0);
}

/* Objects of page u that were freed. A filling goes on where the one before it ends: the whole page may be one. */
static void find_written(struct sheet *s, uint32_t u)
{
	const struct page_kind *k = sheet_kind(s, u);
	struct differs d;

	if (!poison_differs(sheet_page_at(s, u), (size_t)k->slots * k->size, &d))
		return;
	for (uint32_t j = 0; j < k->slots; j++) {
		uint32_t idx = sheet_idx(u, j);
		const struct record *r = sheet_record(s, idx);

		if (!(sheet_live_word(s, idx / SHEET_BITS) >> (idx % SHEET_BITS) & 1) &&
			(!r || r->birth.tid) && poison_differs(sheet_slot_at(s, idx), k->size, &d))
			poison_note(&d);
	}
}

void sheet_find_late(struct sheet *s, const uint64_t *in)
{
	find_twice(s);
	if (!mode.poison || s->own)
		return;
	for (uint32_t u = 0; (u = bits_next(in, u, SHEET_PAGES)) < SHEET_PAGES; u++)
		find_written(s, u);
}

#define RUNS 64

static void kill_runs(struct sheet *s, const struct run *r, size_t n)
{
	host_runs_kill(s->at.base, SHEET_PAGES, r, n);
	pages_swept.runs_killed += n;
}

void sheet_kill(struct sheet *s, const uint64_t *due)
{
	struct run runs[RUNS];
	uint32_t u = 0, hi;
	size_t n = 0;

	/* Not yet where pages are still to be cut: of what was never written the kernel keeps no memory then. */
	if (s->at.huge && s->handed == SHEET_PAGES) {
		host_range_split(sheet_page_at(s, bits_next(due, 0, SHEET_PAGES)));
		s->at.huge = false;
	}
	for (; (u = bits_next(due, u, SHEET_PAGES)) < SHEET_PAGES; u = hi) {
		hi = bits_end(due, u, SHEET_PAGES);
		runs[n++] = (struct run){sheet_page_at(s, u), sheet_page_at(s, hi)};
		if (n == RUNS) {
			kill_runs(s, runs, n);
			n = 0;
		}
	}
	if (n)
		kill_runs(s, runs, n);
	/* What could not be killed is not looked at again, and never used. */
	for (unsigned w = 0; w < SHEET_WORDS; w++) {
		pages_swept.pages_killed += (unsigned)__builtin_popcountl(due[w]);
		pages_swept.holes += (unsigned)__builtin_popcountl(due[w] & ~s->killed[w]);
		s->killed[w] |= due[w];
	}
}

/* Has it pages that must be looked at again, though nobody may free anything there? */
static bool pages_watched(struct sheet *s)
{
	uint64_t any = 0;

	for (unsigned w = 0; w < SHEET_WORDS; w++)
		any |= s->left[w] & ~s->dead[w];
	return any;
}

void sheet_clean(struct sheet *s)
{
	struct census n;

	s->mortal.since.frees = 0;
	atomic_store(&s->mortal.on[PENDING], 0);
	sheet_census(s, &n); /* a free after the first look may have seen it marked */
	if (n.whole) {
		sheet_spent(s);
		return;
	}
	sheet_find_late(s, n.due);
	if (s->handed == SHEET_PAGES)
		lasting_learn(s, n.dead);
	if (n.ndue)
		sheet_kill(s, n.due);
	if (pages_watched(s))
		mortal_pending(&s->mortal);
}
