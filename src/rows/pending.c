/*
 * pending.c - see pending.h. app context, no lock.
 */
#include "pending.h"

static _Atomic(struct view *) dirty_list, spent_list;
static _Atomic uint32_t spent_pages; /* of addresses of those on the list, about */
static _Atomic size_t spent_bytes;   /* of memory */

void pending_push(struct view *v)
{
	struct view *head = atomic_load(&dirty_list);

	do
		v->dirty_next = head;
	while (!atomic_compare_exchange_weak(&dirty_list, &head, v));
}

void pending_note_dirty(struct view *v)
{
	if (!atomic_exchange(&v->dirty, 1))
		pending_push(v);
}

void pending_prune(void)
{
	struct view *v = atomic_exchange(&dirty_list, NULL), *next;

	for (; v; v = next) {
		next = v->dirty_next;
		if (view_is_buried(v))
			atomic_store(&v->dirty, 0);
		else
			pending_push(v);
	}
}

void pending_note_spent(struct view *v)
{
	struct view *head = atomic_load(&spent_list);

	if (atomic_exchange(&v->spent, 1))
		return;
	do
		v->spent_next = head;
	while (!atomic_compare_exchange_weak(&spent_list, &head, v));
	atomic_fetch_add(&spent_pages, v->pages);
	atomic_fetch_add(&spent_bytes, v->units * view_unit_bytes(v));
}

struct view *pending_dirty(void)
{
	return atomic_exchange(&dirty_list, NULL);
}

struct view *pending_spent(void)
{
	struct view *v = atomic_exchange(&spent_list, NULL);

	atomic_store(&spent_pages, 0);
	atomic_store(&spent_bytes, 0);
	return v;
}

bool pending_spent_many(void)
{
	return policy_spent_enough(atomic_load(&spent_pages), atomic_load(&spent_bytes));
}
