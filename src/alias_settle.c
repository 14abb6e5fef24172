/*
 * alias_settle.c - killed units on their way back to the row.
 *
 * app context, sweep_lock held. Where a kill is a matter of this processor alone (kvm), another
 * one may show the dead block for a moment longer; its memory waits in the view until the backend
 * says that nobody does (mmu.h, kill_settled). What breaks it: a stamp taken before the kills
 * that it names were seen to be done.
 */
#include "alias.h"
#include "mmu.h"

#define VIEWS_MAX 2048U /* each is looked at by every sweep */

static struct view *settling;
static uint32_t settling_views;
static size_t settling_bytes;

/* Of v, whether it has a stamp by now or not. */
static size_t waiting_bytes(struct view *v)
{
	size_t n = 0;

	for (unsigned w = 0; w < view_uwords(v); w++)
		n += (size_t)__builtin_popcountl(
			atomic_load(&view_revoked(v)[w]) & ~view_released(v)[w]);
	return n * v->geom->band;
}

/* Takes what was killed and not given back; false: nothing. */
static bool collect(struct view *v)
{
	uint64_t any = 0, *wait = view_waiting(v);

	for (unsigned w = 0; w < view_uwords(v); w++) {
		wait[w] = atomic_load(&view_revoked(v)[w]) & ~view_released(v)[w];
		any |= wait[w];
	}
	v->waits = any != 0;
	if (!any)
		return false;
	v->stamp = mmu->kill_stamp();
	return true;
}

static void give_back(struct view *v)
{
	struct class *c = &heap_class[v->geom->cls];

	for (unsigned w = 0; w < view_uwords(v); w++)
		view_released(v)[w] |= view_waiting(v)[w];
	lock_take(&c->lock);
	heap_row_give(c, v->row, view_waiting(v));
	lock_drop(&c->lock);
	v->waits = false;
}

/* True if nothing of v waits any more; a dead view is among the dead then. */
static bool view_settled(struct view *v)
{
	while (v->waits || collect(v)) {
		if (!mmu->kill_settled(v->stamp))
			return false;
		give_back(v);
	}
	if (v->state == VIEW_DEAD) {
		v->row = NULL;
		alias_dead_push(v);
	}
	return true;
}

static void settle_later(struct view *v)
{
	v->settling = true;
	v->settle_next = settling;
	settling = v;
	settling_views++;
	settling_bytes += waiting_bytes(v);
}

void alias_release(struct view *v)
{
	if (!v->settling && !view_settled(v))
		settle_later(v);
}

void alias_settle(bool all)
{
	struct view *v = settling, *next;
	bool much = settling_bytes > MAX(heap_bytes() / 8, 8UL << 20) || settling_views > VIEWS_MAX;

	if (!v)
		return;
	mmu->kill_settle(all || much);
	settling = NULL;
	settling_views = 0;
	settling_bytes = 0;
	for (; v; v = next) {
		next = v->settle_next;
		v->settling = false;
		alias_release(v);
	}
}
