/* pending.c - see pending.h. app context, no lock. */
#include "pending.h"

/*
 * Sheets that are dead as a whole die together, while their memory is in the cache, and it is not
 * much: each moves by a call of its own, so one at a time would do as well; a few at once share the
 * lock of the sweep.
 */
#define SPENT_SHEETS 2U

static _Atomic(struct sheet *) pending_list, spent_list;
static _Atomic uint32_t spent_count;

void sheet_pending_again(struct sheet *s)
{
	struct sheet *head = atomic_load(&pending_list);

	do
		s->pending_next = head;
	while (!atomic_compare_exchange_weak(&pending_list, &head, s));
}

void sheet_pending_add(struct sheet *s)
{
	if (!atomic_exchange(&s->pending, 1))
		sheet_pending_again(s);
}

struct sheet *sheets_pending(void)
{
	return atomic_exchange(&pending_list, NULL);
}

void sheet_spent_add(struct sheet *s)
{
	struct sheet *head = atomic_load(&spent_list);

	if (atomic_exchange(&s->spent, 1))
		return;
	do
		s->spent_next = head;
	while (!atomic_compare_exchange_weak(&spent_list, &head, s));
	atomic_fetch_add(&spent_count, 1);
}

struct sheet *sheets_spent(void)
{
	struct sheet *s = atomic_exchange(&spent_list, NULL);

	atomic_store(&spent_count, 0);
	return s;
}

bool sheets_spent_many(void)
{
	return atomic_load(&spent_count) >= SPENT_SHEETS;
}
