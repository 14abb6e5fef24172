/*
 * super.c - views when mappings are scarce: many parts of one mapping, and wider groups.
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
#include "base/base.h"
#include "host/host.h"
#include "counts.h"

#include <errno.h>

#define GROUP_CHUNKS 64 /* super-views lie inside groups of so many chunks */
#define JOINED_PARTS 16 /* parts of a super-view: unused ones are lost addresses */
#define GROUPS	     (HEAP_CHUNK_MAX / GROUP_CHUNKS)

struct super {
	vaddr_t base;
	uint32_t first;		      /* chunk                                          */
	uint32_t n;		      /* parts; part i shows chunk first + i            */
	uint64_t handed, dead, dying; /* parts; dying: doomed by the sweep that runs    */
	bool gone;		      /* killed as a whole, off the list                */
	struct super *next, *prev;    /* of its group, oldest first                     */
};

struct group {
	struct super *oldest, *newest;
	struct super *spare[GROUP_CHUNKS]; /* by chunk: the oldest with a part left for it */
};

struct lock super_lock = LOCK(SUPER);

static struct group **groups; /* by chunk / GROUP_CHUNKS */
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
	if (!options.quiet)
		out_line(log_fd(),
			"undangle: warning: nearly all mappings that vm.max_map_count allows "
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
		heap_parts_end();
}

void maps_count(uint32_t direct, uint32_t supers)
{
	if (unlikely(!maps_max))
		maps_max = maps_limit();
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

void maps_exhausted(void)
{
	static _Atomic bool said;

	if (!atomic_exchange(&said, true) && !options.quiet)
		out_line(log_fd(), "undangle: warning: the kernel refuses more mappings "
				   "(vm.max_map_count): malloc returns NULL until some are free");
}

static struct group *group_of(uint32_t chunk)
{
	struct group **g;

	if (!groups)
		groups = meta_table(GROUPS * sizeof(*groups));
	if (!groups)
		return NULL;
	g = &groups[chunk / GROUP_CHUNKS];
	if (!*g)
		*g = meta_alloc(sizeof(**g));
	return *g;
}

/* s or the next one that has parts for n chunks (1, or a span) from this one on. */
static struct super *super_with_part(struct super *s, uint32_t chunk, uint32_t n)
{
	while (s &&
		(chunk - s->first >= s->n || (s->handed >> (chunk - s->first) & ((1UL << n) - 1))))
		s = s->next;
	return s;
}

static void super_link(struct group *g, struct super *s)
{
	s->prev = g->newest;
	if (s->prev)
		s->prev->next = s;
	else
		g->oldest = s;
	g->newest = s;
	for (uint32_t c = s->first; c < s->first + s->n; c++)
		if (!g->spare[c % GROUP_CHUNKS])
			g->spare[c % GROUP_CHUNKS] = s;
	rows_counts.supers_live++;
}

/* s has nothing more for the n chunks from this one on. */
static void spare_pass(struct group *g, const struct super *s, uint32_t chunk, uint32_t n)
{
	for (uint32_t c = chunk; c < chunk + n; c++)
		if (g->spare[c % GROUP_CHUNKS] == s)
			g->spare[c % GROUP_CHUNKS] = super_with_part(s->next, c, 1);
}

static void super_unlink(struct group *g, struct super *s)
{
	spare_pass(g, s, s->first, s->n);
	if (s->prev)
		s->prev->next = s->next;
	else
		g->oldest = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		g->newest = s->prev;
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

static int super_new(struct group *g, uint32_t chunk, struct super **made)
{
	uint32_t n = MIN(scarce ? GROUP_CHUNKS : JOINED_PARTS, host_chunks_joined(chunk));
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
	super_link(g, s);
	*made = s;
	return 0;
}

int super_place(struct view *v)
{
	struct super *s = NULL;
	struct group *g;
	uint32_t n = chunks_of(v->pages), part;
	int err = -ENOMEM;

	if (!joined)
		return -ENOSPC;
	lock_take(&super_lock);
	g = group_of(v->chunk);
	if (!g)
		goto out;
	s = super_with_part(g->spare[v->chunk % GROUP_CHUNKS], v->chunk, n);
	if (!s && (err = super_new(g, v->chunk, &s)))
		goto out;
	part = v->chunk - s->first;
	s->handed |= ((1UL << n) - 1) << part;
	spare_pass(g, s, v->chunk, n);
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
		super_unlink(groups[s->first / GROUP_CHUNKS], s);
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
	for (uint32_t i = 0; groups && i < GROUPS; i++)
		for (struct super *s = groups[i] ? groups[i]->oldest : NULL; s; s = s->next)
			if (!super_again(s))
				return false;
	return true;
}
