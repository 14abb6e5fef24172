/* pending.c - see pending.h. app context, no lock. */
#include "pending.h"

/*
 * Sheets that are dead as a whole die together: a pair moves by one call, and in a third-level cache 4 MB are
 * as near as 2.
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

void sheet_spent_again(struct sheet *s)
{
	struct sheet *head = atomic_load(&spent_list);

	do
		s->spent_next = head;
	while (!atomic_compare_exchange_weak(&spent_list, &head, s));
	atomic_fetch_add(&spent_count, 1);
}

void sheet_spent_add(struct sheet *s)
{
	if (!atomic_exchange(&s->spent, 1))
		sheet_spent_again(s);
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
