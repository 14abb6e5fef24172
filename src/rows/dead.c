/*
 * dead.c - views that died are remembered for a while, then forgotten.
 *
 * app context, sweep_lock held. A dead view's structure stays in the table with its records, so
 * that a late double free or stale access can be explained; the oldest go when they take more than
 * mode.dead_bytes.
 */
#include "pending.h"
#include "cursors.h"

static struct view *dead_first, *dead_last;
static size_t dead_now;

void dead_forget(void)
{
	while (dead_now > mode.dead_bytes && dead_first) {
		struct view *v = dead_first;

		/* Where everything dies whole, sweeps are seconds and thousands of views apart. */
		if (atomic_load(&v->dirty))
			pending_prune();
		dead_first = v->next;
		if (!dead_first)
			dead_last = NULL;
		dead_now -= v->weight;
		if (atomic_load(&v->dirty) ||
			owner_is_in(v)) { /* a late free has it in its hands */
			dead_push(v);
			break;
		}
		space_entry_forget(v->base, (size_t)v->pages << PAGE_SHIFT);
		view_free(v);
	}
}

void dead_push(struct view *v)
{
	v->weight = (uint32_t)view_bytes_all(v);
	dead_now += v->weight;
	v->next = NULL;
	if (dead_last)
		dead_last->next = v;
	else
		dead_first = v;
	dead_last = v;
}
