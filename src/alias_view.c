/*
 * alias_view.c - views: made, retired, remembered for a while, forgotten.
 *
 * app context, signals blocked. A dead view's structure stays in alias_table with its records,
 * so that a late double free or stale access can be explained; the oldest go when they take
 * more than policy.dead_bytes.
 */
#include "alias.h"
#include "meta.h"
#include "mmu.h"
#include "stats.h"
#include "tcache.h"

#include <errno.h>
#include <sys/single_threaded.h>

struct lock views_lock;
struct view *views_live;

static struct view *dead_first, *dead_last; /* under sweep_lock */
static size_t dead_now;

/* Paged: the bits of the live have memory of their own, for meta.c rounds up. */
static size_t view_bytes(unsigned uwords, unsigned words, bool paged)
{
	return sizeof(struct view) + (4UL * uwords + (paged ? 18 * uwords : words)) * 8;
}

static size_t live_bytes(const struct view *v)
{
	return v->words * sizeof(v->live[0]);
}

static size_t view_bytes_all(const struct view *v)
{
	size_t all = view_bytes(view_uwords(v), v->words, v->cut);

	return all + (v->cut ? live_bytes(v) : 0) + (v->gone ? live_bytes(v) : 0);
}

static size_t view_rec_bytes(const struct view *v)
{
	return ((size_t)v->units << v->geom->group_shift) * sizeof(struct record);
}

static void view_free(struct view *v)
{
	if (v->rec)
		meta_free(v->rec, view_rec_bytes(v));
	if (v->cut && v->live)
		meta_free((void *)v->live, live_bytes(v));
	if (v->gone)
		meta_free((void *)v->gone, live_bytes(v));
	meta_free(v, view_bytes(view_uwords(v), v->words, v->cut));
}

static struct view *view_build(struct row *r, const uint64_t *mask, bool zeroed)
{
	const struct extent *e = r->ext;
	unsigned uwords = row_words(e);
	bool paged = policy.paged && e->geom->cls == HEAP_CLASS_PAGE;
	const struct geom *g = paged ? &heap_paged[HEAP_CLASS_PAGE] : e->geom;
	unsigned words = (((unsigned)e->units << g->group_shift) + 63) / 64;
	struct view *v = meta_alloc(view_bytes(uwords, words, paged));

	if (!v)
		return NULL;
	v->geom = g;
	v->row = r;
	v->place = r->place;
	v->pages = e->pages;
	v->units = e->units;
	v->words = (uint16_t)words;
	v->tail = (uint16_t)words;
	v->chunk = e->chunk;
	v->first = e->first;
	v->zeroed = zeroed;
	v->simple = !policy.records && !policy.strict && !paged && !g->group_shift &&
		    g->unit_pages == 1;
	if (paged) {
		v->cut = (uint16_t *)(v->bits + 6UL * uwords);
		v->live = meta_alloc(live_bytes(v));
	} else {
		v->live = (_Atomic uint64_t *)(v->bits + 4UL * uwords);
	}
	__builtin_memcpy(view_fresh(v), mask, uwords * 8);
	if (policy.records)
		v->rec = meta_alloc(view_rec_bytes(v));
	if (!v->live || (policy.records && !v->rec)) {
		view_free(v);
		return NULL;
	}
	return v;
}

/* Its memory is there, for it had a view, or its neighbours in the same pages had. */
static void view_warm(struct view *v)
{
	uint32_t lo = bits_next(view_fresh(v), 0, v->units), hi = lo;

	for (uint32_t u = lo; u < v->units; u = bits_next(view_fresh(v), hi, v->units))
		hi = bits_end(view_fresh(v), u, v->units);
	mmu->view_warm(view_unit_at(v, lo), (hi - lo) * v->geom->unit_pages);
}

/* Gives v fresh addresses and memory behind them. */
static int view_place(struct view *v)
{
	size_t len = (size_t)v->pages << PAGE_SHIFT;
	int err = super_place(v);

	if (err == -ENOSPC)
		do {
			v->base = alias_space_take(len, VSPACE_PART);
			if (!v->base)
				return -ENOMEM;
			err = mmu->view_map(v->base, v->chunk, v->first, v->pages);
		} while (err == -EEXIST); /* somebody else lives there */
	if (err)
		return err;
	if (v->pages < CHUNK_PAGES && (!v->zeroed || v->place))
		view_warm(v);
	return 0;
}

static void view_link(struct view *v)
{
	uint32_t direct, supers;

	lock_take(&views_lock);
	v->prev = NULL;
	v->next = views_live;
	if (v->next)
		v->next->prev = v;
	views_live = v;
	stats.views_live++;
	stats.views_made++;
	stats.views_joined += v->super != NULL;
	direct = stats.views_live - stats.views_joined;
	supers = stats.supers_live;
	lock_drop(&views_lock);
	alias_entry_set(v->base, (size_t)v->pages << PAGE_SHIFT, (uintptr_t)v);
	maps_count(direct, supers);
}

struct view *view_new(unsigned cls, unsigned wish, uint32_t most)
{
	struct class *c = &heap_class[cls];
	uint64_t mask[EXTENT_PAGES_MAX / 64];
	struct view *v;
	struct row *r;
	bool zeroed;
	int err = 0;

	for (int try = 0; try < 3; try++) {
		lock_take(&c->lock);
		r = heap_row_take(c, wish, most, mask, &zeroed);
		lock_drop(&c->lock);
		if (r) {
			v = view_build(r, mask, zeroed);
			err = v ? view_place(v) : -ENOMEM;
			if (!err) {
				view_link(v);
				return v;
			}
			if (v)
				view_free(v);
			if (err == -ENOSPC)
				maps_refused();
			lock_take(&c->lock);
			heap_row_give(c, r, mask);
			lock_drop(&c->lock);
		}
		/* What waits to die may be what is missing: addresses, mappings, memory. */
		if (!alias_sweep(true))
			break;
	}
	if (err == -ENOSPC)
		maps_exhausted();
	return NULL;
}

static void dead_forget(void)
{
	while (dead_now > policy.dead_bytes && dead_first) {
		struct view *v = dead_first;

		/* Where everything dies whole, sweeps are seconds and thousands of views apart. */
		if (atomic_load(&v->dirty))
			alias_dirty_prune();
		dead_first = v->next;
		if (!dead_first)
			dead_last = NULL;
		dead_now -= v->weight;
		if (atomic_load(&v->dirty) ||
			tcache_is_in(v)) { /* a late free has it in its hands */
			alias_dead_push(v);
			break;
		}
		alias_entry_forget(v->base, (size_t)v->pages << PAGE_SHIFT);
		view_free(v);
	}
}

void alias_dead_push(struct view *v)
{
	v->weight = (uint32_t)(view_bytes_all(v) + (v->rec ? view_rec_bytes(v) : 0));
	dead_now += v->weight;
	v->next = NULL;
	if (dead_last)
		dead_last->next = v;
	else
		dead_first = v;
	dead_last = v;
}

/*
 * Windows that are cut in parts die whole when the last part does: that frees the page table.
 * [lo, hi) was killed in one go just now, so windows inside it need no more.
 */
static void window_part_died(vaddr_t base, size_t len, vaddr_t lo, vaddr_t hi)
{
	static uint8_t *parts; /* dead parts of VSPACE_PART, by window; under sweep_lock */
	size_t w = (base - alias_space.base) >> HUGE_SHIFT;

	base = ALIGN_DOWN(base, HUGE_SIZE);
	if (!parts)
		parts = meta_table((alias_space.end - alias_space.base) >> HUGE_SHIFT);
	if (!parts)
		return;
	parts[w] += (uint8_t)(len >> VSPACE_PART_SHIFT);
	if (parts[w] == HUGE_SIZE >> VSPACE_PART_SHIFT && (base < lo || base + HUGE_SIZE > hi))
		mmu->view_kill(base, CHUNK_PAGES);
}

/* Off the list of the living; its units go back to the row, it to the dead. */
static void view_bury(struct view *v, bool killed)
{
	/* What could not be killed is never used again. */
	for (unsigned w = 0; w < view_uwords(v) && killed; w++)
		atomic_store(&view_revoked(v)[w], view_fresh(v)[w]);
	lock_take(&views_lock);
	if (v->prev)
		v->prev->next = v->next;
	else
		views_live = v->next;
	if (v->next)
		v->next->prev = v->prev;
	stats.views_live--;
	stats.views_joined -= v->super != NULL;
	stats.views_killed++;
	lock_drop(&views_lock);
	v->super = NULL;
	alias_release(v);
}

/* Merges two lists that are sorted by address. */
static struct view *views_merge(struct view *a, struct view *b)
{
	struct view *head = NULL, **at = &head;

	while (a && b) {
		struct view **from = a->base < b->base ? &a : &b;

		*at = *from;
		*from = (*from)->spent_next;
		at = &(*at)->spent_next;
	}
	*at = a ? a : b;
	return head;
}

static struct view *views_sort(struct view *list)
{
	struct view *level[32] = {0}, *sorted = NULL;

	while (list) {
		struct view *one = list;
		unsigned i;

		list = list->spent_next;
		one->spent_next = NULL;
		for (i = 0; i < ARRAY_LEN(level) - 1 && level[i]; i++) {
			one = views_merge(level[i], one);
			level[i] = NULL;
		}
		level[i] = level[i] ? views_merge(level[i], one) : one;
	}
	for (unsigned i = 0; i < ARRAY_LEN(level); i++)
		sorted = views_merge(level[i], sorted);
	return sorted;
}

uint32_t view_runs(
	const struct view *v, const uint64_t *mask, uint32_t *u, struct run *runs, uint32_t max)
{
	uint32_t n = 0, from;

	while (n < max && (from = bits_next(mask, *u, v->units)) < v->units) {
		*u = bits_end(mask, from, v->units);
		runs[n++] = (struct run){view_unit_at(v, from), view_unit_at(v, *u)};
	}
	return n;
}

static size_t view_len(const struct view *v)
{
	return (size_t)v->pages << PAGE_SHIFT;
}

/* The first of the sorted list that does not belong to the run of neighbours that begins at v. */
static struct view *neighbours(struct view *v, struct run *r)
{
	const struct super *s = v->super;

	*r = (struct run){v->base, v->base};
	for (; v && v->base == r->hi && v->super == s; v = v->spent_next)
		r->hi += view_len(v);
	return v;
}

/* Entries that are gone already need no message to the other processors, each view its own. */
static void doomed_empty(struct view *v)
{
	struct run r[64];
	size_t n;

	while (v) {
		for (n = 0; v && n < ARRAY_LEN(r); n++)
			v = neighbours(v, &r[n]);
		if (n > 1)
			mmu->runs_empty(r, n);
	}
}

void views_retire(struct view *list)
{
	struct view *v = views_sort(list), *next;

	if (!__libc_single_threaded)
		doomed_empty(v);
	for (next = v; next; next = next->spent_next)
		if (next->super)
			super_doom(next->super, next->base, next->base + view_len(next));
	while (v) {
		struct super *s = v->super;
		struct run r;
		bool killed;

		next = neighbours(v, &r); /* they die by one system call */
		killed = s ? super_kill(s, r.lo, r.hi)
			   : !mmu->view_kill(r.lo, (unsigned)((r.hi - r.lo) >> PAGE_SHIFT));
		for (struct view *after; v != next; v = after) {
			after = v->spent_next;
			v->state = VIEW_DEAD; /* dirty it may be, and on that list */
			if (!s && view_len(v) < HUGE_SIZE && killed)
				window_part_died(v->base, view_len(v), r.lo, r.hi);
			view_bury(v, killed);
		}
	}
	dead_forget();
}
