/*
 * retire.c - views die whole: neighbours by one system call, and their units go back to the rows.
 *
 * app context, sweep_lock held.
 */
#include "super.h"
#include "census.h"
#include "counts.h"

#include <sys/single_threaded.h>

void view_release(struct view *v)
{
	struct class *c = &heap_class[v->geom->cls];
	uint64_t mask[EXTENT_PAGES_MAX / 64], any = 0;

	for (unsigned w = 0; w < view_uwords(v); w++) {
		mask[w] = atomic_load(&view_revoked(v)[w]) & ~view_released(v)[w];
		view_released(v)[w] |= mask[w];
		any |= mask[w];
	}
	if (!any)
		return;
	lock_take(&c->lock);
	heap_row_give(c, v->row, mask);
	lock_drop(&c->lock);
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
	rows_counts.views_live--;
	rows_counts.views_joined -= v->super != NULL;
	rows_counts.views_killed++;
	lock_drop(&views_lock);
	v->super = NULL;
	view_release(v);
	v->row = NULL;
	v->mortal.buried = true;
	view_check(v);
	mortal_remember(&v->mortal, view_weight(v));
}

/* Merges two lists that are sorted by address. */
static struct mortal *views_merge(struct mortal *a, struct mortal *b)
{
	struct mortal *head = NULL, **at = &head;

	while (a && b) {
		struct mortal **from = view_of_mortal(a)->base < view_of_mortal(b)->base ? &a : &b;

		*at = *from;
		*from = (*from)->next[SPENT];
		at = &(*at)->next[SPENT];
	}
	*at = a ? a : b;
	return head;
}

static struct mortal *views_sort(struct mortal *list)
{
	struct mortal *level[32] = {0}, *sorted = NULL;

	while (list) {
		struct mortal *one = list;
		unsigned i;

		list = list->next[SPENT];
		one->next[SPENT] = NULL;
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

static struct view *next_spent(const struct view *v)
{
	return view_of_mortal(v->mortal.next[SPENT]);
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
	for (; v && v->base == r->hi && v->super == s; v = next_spent(v))
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
			host_runs_empty(r, n);
	}
}

void views_retire(struct mortal *list)
{
	struct view *v = view_of_mortal(views_sort(list)), *next;

	if (!__libc_single_threaded)
		doomed_empty(v);
	for (next = v; next; next = next_spent(next))
		if (next->super)
			super_doom(next->super, next->base, next->base + view_len(next));
	while (v) {
		struct super *s = v->super;
		struct run r;
		bool killed;

		next = neighbours(v, &r); /* they die by one system call */
		killed = s ? super_kill(s, r.lo, r.hi)
			   : !host_view_kill(r.lo, (unsigned)((r.hi - r.lo) >> PAGE_SHIFT));
		for (struct view *after; v != next; v = after) {
			after = next_spent(v);
			view_bury(v, killed);
		}
	}
}
