/* mortal.c - see mortal.h. app context. */
#include "mortal.h"
#include "mode.h"

static _Atomic(struct mortal *) lists[MORTAL_LISTS];
static _Atomic uint32_t spent_pages; /* of those on the list, about */
static _Atomic size_t spent_bytes;
static struct mortal *oldest, *newest;
static size_t remembered; /* bytes */

void mortal_again(struct mortal *m, enum mortal_list l)
{
	struct mortal *head = atomic_load(&lists[l]);

	do
		m->next[l] = head;
	while (!atomic_compare_exchange_weak(&lists[l], &head, m));
}

bool mortal_add(struct mortal *m, enum mortal_list l)
{
	if (atomic_exchange(&m->on[l], 1))
		return false;
	mortal_again(m, l);
	return true;
}

void mortal_spent(struct mortal *m, uint32_t pages, size_t bytes)
{
	if (!mortal_add(m, SPENT))
		return;
	atomic_fetch_add(&spent_pages, pages);
	atomic_fetch_add(&spent_bytes, bytes);
}

bool mortals_spent_many(void)
{
	return policy_spent_enough(
		mode.grouped, atomic_load(&spent_pages), atomic_load(&spent_bytes));
}

struct mortal *mortals_take(enum mortal_list l)
{
	struct mortal *all = atomic_exchange(&lists[l], NULL);

	if (l == SPENT) {
		atomic_store(&spent_pages, 0);
		atomic_store(&spent_bytes, 0);
	}
	return all;
}

/* The buried leave the list of the pending, so that they can be forgotten. */
static void pending_prune(void)
{
	struct mortal *m = mortals_take(PENDING), *next;

	for (; m; m = next) {
		next = m->next[PENDING];
		if (m->buried)
			atomic_store(&m->on[PENDING], 0);
		else
			mortal_again(m, PENDING);
	}
}

void mortal_remember(struct mortal *m, size_t weight)
{
	m->weight = (uint32_t)weight;
	remembered += weight;
	m->next[SPENT] = NULL;
	if (oldest)
		newest->next[SPENT] = m;
	else
		oldest = m;
	newest = m;
}

/* In this order: who frees there is in it until it was marked. */
bool mortal_is_held(const struct mortal *m, const void *where)
{
	return owner_is_in(where) || atomic_load(&m->on[PENDING]);
}

void mortals_forget(bool (*forget)(struct mortal *m))
{
	while (remembered > mode.dead_bytes && oldest) {
		struct mortal *m = oldest;
		size_t weight = m->weight;

		/* Where everything dies whole, sweeps are seconds and thousands of dead apart. */
		if (atomic_load(&m->on[PENDING]))
			pending_prune();
		oldest = m->next[SPENT];
		remembered -= weight;
		if (!forget(m)) {
			mortal_remember(m, weight);
			break;
		}
	}
}
