/*
 * clean.h - how what is dead in a view dies there, with the living around it.
 *
 * app context; everything here is called with sweep_lock held.
 */
#ifndef UD_ROWS_CLEAN_H
#define UD_ROWS_CLEAN_H

#include "view.h"

/*
 * late.c: what is wrong with the dead in v that were not killed yet, the units in `due`, is noted.
 * The other does the same for those that are due now.
 */
void view_find_late(struct view *v, const uint64_t *due);
void view_look_late(struct view *v);

/*
 * Kills everything dead in each of n views, at most VIEWS_CLEAN_MAX. Frees that come later put them
 * on the dirty list again.
 */
#define VIEWS_CLEAN_MAX 4
void views_clean(struct view *const *views, size_t n);

#endif
