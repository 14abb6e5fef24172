/*
 * pending.h - sheets with dead pages that were not killed yet, and those that are dead as a whole.
 *
 * app context, no lock: any thread's free puts a sheet on a list, a sweep takes the list.
 */
#ifndef UD_PAGES_PENDING_H
#define UD_PAGES_PENDING_H

#include "sheet.h"

void sheet_pending_add(struct sheet *s);
static inline void sheet_pending(struct sheet *s) /* a page of it has died */
{
	if (!atomic_load_explicit(&s->pending, memory_order_seq_cst))
		sheet_pending_add(s);
}
void sheet_pending_again(struct sheet *s); /* back onto the list, of one that is marked */
struct sheet *sheets_pending(void);	   /* all of it, by pending_next */

void sheet_spent_add(struct sheet *s);
void sheet_spent_again(struct sheet *s); /* back onto the list, of one that was on it */
struct sheet *sheets_spent(void);	 /* by spent_next */
bool sheets_spent_many(void);		 /* they should die now */

#endif
