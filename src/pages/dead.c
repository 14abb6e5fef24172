/* dead.c - see dead.h. app context, pages_sweep_lock held. */
#include "dead.h"
#include "cutter.h"
#include "pending.h"

static struct sheet *oldest, *newest;
static size_t remembered; /* bytes */

/* Dead ones leave the list of the pending, so that they can be forgotten. */
static void dead_prune(void)
{
	struct sheet *s = sheets_pending(), *next;

	for (; s; s = next) {
		next = s->pending_next;
		if (s->buried)
			atomic_store(&s->pending, 0);
		else
			sheet_pending_again(s);
	}
}

void dead_sheet_push(struct sheet *s)
{
	s->weight = sheet_weight(s);
	remembered += s->weight;
	s->next = NULL;
	if (newest)
		newest->next = s;
	else
		oldest = s;
	newest = s;
}

void dead_sheets_forget(void)
{
	while (remembered > mode.dead_bytes && oldest) {
		struct sheet *s = oldest;

		/* Where everything dies whole, sweeps are seconds and thousands of sheets apart. */
		if (atomic_load(&s->pending))
			dead_prune();
		oldest = s->next;
		if (!oldest)
			newest = NULL;
		remembered -= s->weight;
		if (atomic_load(&s->pending) ||
			owner_is_in(s)) { /* a late free has it in its hands */
			dead_sheet_push(s);
			break;
		}
		space_entry_forget(s->at.base, SHEET_BYTES);
		sheet_free(s);
	}
}
