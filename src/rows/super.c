/*
 * super.c - views when mappings are scarce: many parts of one mapping, and wide rows.
 *
 * app context, signals blocked. The kernel allows vm.max_map_count mappings, and a live view of
 * its own costs two. A super-view is one mapping over consecutive chunks; each of its parts
 * (2 MB) serves one view of its chunk, once. A part dies by guards, which need no mapping; the
 * super-view goes when all parts that were used are dead.
 *   plenty   each view has a mapping of its own, which is cheapest to kill
 *   joined   new views are parts of super-views: nothing else changes
 *   scarce   small neighbours share a page as well (said once; no way back)
 * super_lock guards the lists; what dies is changed under sweep_lock besides.
 */
#include "super.h"
#include "own.h"
#include "base/base.h"
#include "host/host.h"
#include "counts.h"

#include <errno.h>

struct counts rows_counts;

#define STRETCH_CHUNKS 64 /* super-views lie inside stretches of so many chunks */
#define JOINED_PARTS   16 /* parts of a super-view: unused ones are lost addresses */
#define STRETCHES      (HOST_CHUNKS / STRETCH_CHUNKS)

struct super {
	vaddr_t base;
	uint32_t first;		      /* chunk                                          */
	uint32_t n;		      /* parts; part i shows chunk first + i            */
	uint64_t handed, dead, dying; /* parts; dying: doomed by the sweep that runs    */
	bool gone;		      /* killed as a whole, off the list                */
	struct super *next, *prev;    /* of its stretch, oldest first                     */
};

struct stretch {
	struct super *oldest, *newest;
	struct super *spare[STRETCH_CHUNKS]; /* by chunk: the oldest with a part left for it */
};

struct lock super_lock = LOCK(SUPER);

static struct stretch **stretches; /* by chunk / STRETCH_CHUNKS */
static uint32_t maps_max;
static _Atomic bool joined, scarce;

/* What the user says, or the kernel allows; by default it is that many. */
#define MAPS_DEFAULT 65530U

static uint32_t maps_limit(void)
{
	char buf[32];
	size_t n;

	if (options.maps)
		return (uint32_t)options.maps;
	file_text("/proc/sys/vm/max_map_count", buf, sizeof(buf));
	n = text_number(buf);
	return n ? (uint32_t)MIN(n, UINT32_MAX) : MAPS_DEFAULT;
}

static void widen_all(void)
{
	if (atomic_exchange(&scarce, true))
		return;
	log_warn(NULL, "nearly all mappings that vm.max_map_count allows "
		       "are in use: from here on small neighbours share a page and die together");
	for (unsigned c = 0; c < heap_class_count(); c++)
		heap_widen(&heap_class[c]);
}

/* Views that are not whole chunks cannot be parts of super-views. */
static void join(bool on)
{
	on = on && host_joins();
	atomic_store(&joined, on);
	if (on)
		heap_pieces_end();
}

static void maps_look(void)
{
	if (unlikely(!maps_max))
		maps_max = maps_limit();
}

uint32_t maps_share(uint32_t part)
{
	maps_look();
	return maps_max / part;
}

void maps_count(uint32_t direct, uint32_t supers)
{
	maps_look();
	if (scarce)
		return;
	join(direct > maps_max / 8);
	/* A view of its own costs a gap as well; the program wants some, too. */
	if (2 * direct + supers > maps_max / 3 * 2)
		maps_refused();
}

void maps_refused(void)
{
	join(true);
	widen_all();
}

static struct stretch *stretch_of(uint32_t chunk)
{
	struct stretch **t;

	if (!stretches)
		stretches = meta_table(STRETCHES * sizeof(*stretches));
	if (!stretches)
		return NULL;
	t = &stretches[chunk / STRETCH_CHUNKS];
	if (!*t)
		*t = meta_alloc(sizeof(**t));
	return *t;
}

/* s or the next one that has parts for n chunks (1, or a span) from this one on. */
static struct super *super_with_part(struct super *s, uint32_t chunk, uint32_t n)
{
	while (s &&
		(chunk - s->first >= s->n || (s->handed >> (chunk - s->first) & ((1UL << n) - 1))))
		s = s->next;
	return s;
}

static void super_link(struct stretch *t, struct super *s)
{
	s->prev = t->newest;
	if (s->prev)
		s->prev->next = s;
	else
		t->oldest = s;
	t->newest = s;
	for (uint32_t c = s->first; c < s->first + s->n; c++)
		if (!t->spare[c % STRETCH_CHUNKS])
			t->spare[c % STRETCH_CHUNKS] = s;
	rows_counts.supers_live++;
}

/* s has nothing more for the n chunks from this one on. */
static void spare_pass(struct stretch *t, const struct super *s, uint32_t chunk, uint32_t n)
{
	for (uint32_t c = chunk; c < chunk + n; c++)
		if (t->spare[c % STRETCH_CHUNKS] == s)
			t->spare[c % STRETCH_CHUNKS] = super_with_part(s->next, c, 1);
}

static void super_unlink(struct stretch *t, struct super *s)
{
	spare_pass(t, s, s->first, s->n);
	if (s->prev)
		s->prev->next = s->next;
	else
		t->oldest = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		t->newest = s->prev;
	rows_counts.supers_live--;
}

static int super_map(struct super *s)
{
	size_t len = (size_t)s->n << HUGE_SHIFT;
	int err;

	do {
		s->base = space_take(len, HUGE_SIZE);
		err = s->base ? host_view_map(s->base, s->first, 0, s->n * CHUNK_PAGES) : -ENOMEM;
	} while (err == -ENOSPC && host_spare()); /* there is room now: again */
	return err;
}

static int super_new(struct stretch *t, uint32_t chunk, struct super **made)
{
	uint32_t n = MIN(scarce ? STRETCH_CHUNKS : JOINED_PARTS, host_chunks_joined(chunk));
	struct super *s;
	int err;

	/* Where addresses are short, unused parts cost too many of them. */
	if ((space.end - space.next) >> HUGE_SHIFT < n * 64UL)
		return -ENOSPC;
	s = meta_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->n = n;
	s->first = chunk & ~(n - 1);
	err = super_map(s);
	if (err) {
		meta_free(s, sizeof(*s));
		return err;
	}
	super_link(t, s);
	*made = s;
	return 0;
}

int super_place(struct view *v)
{
	struct super *s = NULL;
	struct stretch *t;
	uint32_t n = chunks_of(v->pages), part;
	int err = -ENOMEM;

	if (!joined)
		return -ENOSPC;
	lock_take(&super_lock);
	t = stretch_of(v->chunk);
	if (!t)
		goto out;
	s = super_with_part(t->spare[v->chunk % STRETCH_CHUNKS], v->chunk, n);
	if (!s && (err = super_new(t, v->chunk, &s)))
		goto out;
	part = v->chunk - s->first;
	s->handed |= ((1UL << n) - 1) << part;
	spare_pass(t, s, v->chunk, n);
	v->super = s;
	v->base = s->base + ((vaddr_t)part << HUGE_SHIFT) + ((vaddr_t)v->first << PAGE_SHIFT);
	err = 0;
out:
	lock_drop(&super_lock);
	return err;
}

static uint64_t parts_of(const struct super *s, vaddr_t lo, vaddr_t hi)
{
	unsigned from = (unsigned)((lo - s->base) >> HUGE_SHIFT);
	unsigned to = (unsigned)((hi - 1 - s->base) >> HUGE_SHIFT);

	return (~0UL >> (63 - (to - from))) << from;
}

void super_doom(struct super *s, vaddr_t lo, vaddr_t hi)
{
	s->dying |= parts_of(s, lo, hi);
}

bool super_kill(struct super *s, vaddr_t lo, vaddr_t hi)
{
	struct run r = {lo, hi};
	bool killed = true;

	lock_take(&super_lock);
	/* The newest one's other parts are wanted soon. */
	if (!s->gone && (s->dead | s->dying) == s->handed &&
		(s->next || s->handed == ~0UL >> (64 - s->n))) {
		super_unlink(stretches[s->first / STRETCH_CHUNKS], s);
		s->gone = true;
		killed = !host_view_kill(s->base, s->n * CHUNK_PAGES);
	}
	if (!s->gone)
		killed = !host_runs_kill(lo, (unsigned)((hi - lo) >> PAGE_SHIFT), &r, 1);
	s->dead |= parts_of(s, lo, hi);
	if (s->gone && s->dead == s->handed)
		meta_free(s, sizeof(*s));
	lock_drop(&super_lock);
	return killed;
}

static bool map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages)
{
	int err;

	do
		err = host_view_map(at, chunk, first, pages);
	while (err == -ENOSPC && host_spare());
	return !err;
}

/* Of the pages at `at`, what is the program's own, of whatever view it is. */
static bool page_is_own(vaddr_t at)
{
	uintptr_t e = space_entry(at);
	const struct view *v = (const struct view *)e;

	if (!e || (e & SPACE_WHAT) != SPACE_VIEW || !v->own)
		return false;
	return view_owns(v, (uint32_t)((at - v->base) >> PAGE_SHIFT));
}

bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages)
{
	unsigned i = 0, n;
	bool ok = true;

	if (likely(!views_owned))
		return map_again(at, chunk, first, pages);
	for (; i < pages && ok; i += n + 1) {
		for (n = 0; i + n < pages && !page_is_own(at + (vaddr_t)(i + n) * PAGE_SIZE);)
			n++;
		if (n)
			ok = map_again(at + (vaddr_t)i * PAGE_SIZE, chunk, first + i, n);
	}
	return ok;
}

/* In the child of a fork: the mapping, and what is dead in it. */
static bool super_again(const struct super *s)
{
	bool ok = view_map_again(s->base, s->first, 0, s->n * CHUNK_PAGES);

	for (uint32_t i = 0; ok && i < s->n; i++) {
		struct run r = {.lo = s->base + ((vaddr_t)i << HUGE_SHIFT)};

		r.hi = r.lo + HUGE_SIZE;
		if (s->dead >> i & 1)
			host_runs_kill(r.lo, CHUNK_PAGES, &r, 1);
	}
	return ok;
}

bool supers_fork_child(void)
{
	for (uint32_t i = 0; stretches && i < STRETCHES; i++)
		for (struct super *s = stretches[i] ? stretches[i]->oldest : NULL; s; s = s->next)
			if (!super_again(s))
				return false;
	return true;
}
