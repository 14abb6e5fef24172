/*
 * view.c - a view is born: its structure, its row, its fresh addresses. And freed, when forgotten.
 *
 * app context, signals blocked. retire.c has its death.
 */
#include "view.h"
#include "cores.h"
#include "super.h"
#include "base/base.h"
#include "host/host.h"
#include "counts.h"

#include <errno.h>

struct lock views_lock = LOCK(VIEWS);
struct view *views_live;

static size_t view_bytes(unsigned uwords, unsigned words)
{
	return sizeof(struct view) + (UNITS_BITMAPS * uwords + words) * sizeof(uint64_t);
}

static size_t live_bytes(const struct view *v)
{
	return v->words * sizeof(v->live[0]);
}

static size_t view_rec_bytes(const struct view *v)
{
	return ((size_t)v->units << v->geom->group_shift) * sizeof(struct record);
}

size_t view_weight(const struct view *v)
{
	size_t all = view_bytes(view_uwords(v), v->words);

	all += v->own ? view_own_bytes(v) : 0;
	return all + (v->gone ? live_bytes(v) : 0) + (v->rec ? view_rec_bytes(v) : 0);
}

void view_free(struct view *v)
{
	if (v->rec)
		meta_free(v->rec, view_rec_bytes(v));
	if (v->gone)
		meta_free((void *)v->gone, live_bytes(v));
	if (v->own)
		meta_free(v->own, view_own_bytes(v));
	meta_free(v, view_bytes(view_uwords(v), v->words));
}

static struct view *view_build(struct row *r, const uint64_t *mask, bool zeroed)
{
	const struct extent *e = r->ext;
	unsigned uwords = row_words(e);
	const struct geom *g = e->geom;
	unsigned words = (((unsigned)e->units << g->group_shift) + 63) / 64;
	struct view *v = meta_alloc(view_bytes(uwords, words));

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
	v->simple = !g->group_shift && g->unit_pages == 1;
	v->live = (_Atomic uint64_t *)view_bitmap(v, UNITS_BITMAPS);
	__builtin_memcpy(view_fresh(v), mask, uwords * 8);
	if (mode.records)
		v->rec = meta_alloc(view_rec_bytes(v));
	if (mode.records && !v->rec) {
		view_free(v);
		return NULL;
	}
	return v;
}

/* Units below `there` had a view, or their neighbours in the same pages. */
static void view_warm(struct view *v, uint32_t there)
{
	uint32_t lo = bits_next(view_fresh(v), 0, there), hi = lo;

	for (uint32_t u = lo; u < there; u = bits_next(view_fresh(v), hi, there))
		hi = bits_end(view_fresh(v), u, there);
	if (hi > lo)
		host_view_warm(view_unit_at(v, lo), (hi - lo) * v->geom->unit_pages);
}

#define BEGIN_PAGES 2048U /* of blocks that are private: enough for a small program */
#define BEGIN_SMALL 640U  /* those among the first that come one by one */

/*
 * Private memory is mapped 2 MB at a time: with a call for each view the debug profile took 1.1 times as long to
 * start bash. A page that comes by itself takes a fault and half a microsecond to clear, 2 MB of them at
 * once the time of sixty. So what more than a few hundred blocks want they cut from huge pages, until
 * the process forks: a child would clear 2 MB for a few blocks. They are three or four, over before
 * policy_huge could tell that they come slowly. Under views_lock.
 */
static struct {
	uint32_t pages; /* of blocks so far */
	bool huge;
	vaddr_t at, end;
} begun;

static bool begun_reach(size_t len)
{
	bool huge = begun.pages >= BEGIN_SMALL && begun.pages < BEGIN_PAGES;

	if (begun.end - begun.at >= len && begun.huge >= huge)
		return true;
	begun.at = begun.end = space_take(HUGE_SIZE, HUGE_SIZE);
	if (!begun.at || host_range_map(begun.at, HUGE_SIZE))
		return false;
	host_range_huge(begun.at, HUGE_SIZE, huge);
	begun.huge = huge;
	begun.end += HUGE_SIZE;
	return true;
}

/* A part of what is mapped; 0: there is no more memory. */
static vaddr_t private_part(size_t len, uint32_t pages)
{
	vaddr_t at = 0;

	lock_take(&views_lock);
	if (begun_reach(len)) {
		at = begun.at;
		begun.at += len;
	}
	begun.pages += pages;
	lock_drop(&views_lock);
	return at;
}

/* Gives v fresh addresses and memory behind them. */
static int view_place(struct view *v, uint32_t there)
{
	size_t len = (size_t)v->pages << PAGE_SHIFT;
	int err;

	if (view_is_private(v)) {
		v->base = private_part(len, v->units * v->geom->unit_pages);
		return v->base ? 0 : -ENOMEM;
	}
	err = super_place(v);
	if (err == -ENOSPC) {
		v->base = space_take(len, VSPACE_LEAST);
		if (!v->base)
			return -ENOMEM;
		err = host_view_map(v->base, v->chunk, v->first, v->pages);
	}
	if (err)
		return err;
	if (v->pages < CHUNK_PAGES)
		view_warm(v, there);
	return 0;
}

static void view_link(struct view *v)
{
	uint32_t direct;

	lock_take(&views_lock);
	v->prev = NULL;
	v->next = views_live;
	if (v->next)
		v->next->prev = v;
	views_live = v;
	core_keep(v);
	rows_counts.views_live++;
	rows_counts.views_made++;
	rows_counts.views_joined += v->super != NULL;
	direct = rows_counts.views_live - rows_counts.views_joined;
	lock_drop(&views_lock);
	space_entry_set(v->base, (size_t)v->pages << PAGE_SHIFT, (uintptr_t)v);
	core_show(v);
	maps_count(direct, rows_counts.supers_live);
}

/* Where all private memory counts, the program is to have it for itself. */
void views_begin(bool again)
{
	if (again)
		begun.pages = BEGIN_PAGES;
	heap_private_allow(ownlimit_data() ? 0 : BEGIN_PAGES);
}

struct view *view_new(unsigned cls, uint32_t most, int *err)
{
	struct class *c = &heap_class[cls];
	uint64_t mask[EXTENT_PAGES_MAX / 64];
	struct view *v;
	struct row *r;
	uint32_t there;
	bool zeroed;

	lock_take(&c->lock);
	r = heap_row_take(c, most, mask, &zeroed, &there);
	lock_drop(&c->lock);
	*err = -ENOMEM;
	if (!r)
		return NULL;
	v = view_build(r, mask, zeroed);
	*err = v ? view_place(v, there) : -ENOMEM;
	if (!*err) {
		view_link(v);
		return v;
	}
	if (v && view_is_private(v))
		heap_private_allow(0); /* by shared memory it may go on */
	if (v)
		view_free(v);
	if (*err == -ENOSPC)
		maps_refused();
	lock_take(&c->lock);
	heap_row_give(c, r, mask);
	lock_drop(&c->lock);
	return NULL;
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
