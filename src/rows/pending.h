/*
 * pending.h - views with something dead that was not killed yet, and those that die whole.
 *
 * app context, no lock: any thread's free puts a view on a list, a sweep takes the list.
 */
#ifndef UD_ROWS_PENDING_H
#define UD_ROWS_PENDING_H

#include "view.h"

/* v has something to kill, or nothing lives in it any more: it is on the list from now on. */
void pending_note_dirty(struct view *v);
void pending_push(struct view *v); /* back onto the list, of a view that is marked dirty */
/* Dead views leave the list of the dirty, so that they can be forgotten. sweep_lock held. */
void pending_prune(void);
static inline void pending_note(struct view *v) /* it has something to kill */
{
	if (!atomic_load_explicit(&v->dirty, memory_order_seq_cst))
		pending_note_dirty(v);
}
void pending_note_spent(struct view *v);

/* Whole lists, which are empty then: by dirty_next, by spent_next. */
struct view *pending_dirty(void);
struct view *pending_spent(void);
bool pending_spent_many(void); /* they should die now */

#endif
