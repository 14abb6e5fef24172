/*
 * clean.h - how what is dead in a view dies there, with the living around it.
 *
 * app context; everything here is called with sweep_lock held.
 */
#ifndef UD_ROWS_CLEAN_H
#define UD_ROWS_CLEAN_H

#include "view.h"

/* Sets freed_twice to what two threads freed at once, if there is something. */
void view_find_twice(struct view *v);
extern _Atomic vaddr_t freed_twice; /* 0: nothing, or reported */

/*
 * Kills everything dead in each of n views, at most VIEWS_CLEAN_MAX. Frees that come later put them
 * on the dirty list again.
 */
#define VIEWS_CLEAN_MAX 4
void views_clean(struct view *const *views, size_t n);

#endif
