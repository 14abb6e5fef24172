/*
 * clean.h - how what is dead in a view dies there, with the living around it.
 *
 * app context; everything here is called with sweep_lock held.
 */
#ifndef UD_ROWS_CLEAN_H
#define UD_ROWS_CLEAN_H

#include "view.h"

/* late.c: what is wrong with what was freed in these units of v, which were not killed yet, is noted. */
void view_find_late(struct view *v, const uint64_t *in);

/*
 * Kills everything dead in each of n views, at most VIEWS_CLEAN_MAX. Frees that come later put them
 * on the list of the pending again.
 */
#define VIEWS_CLEAN_MAX 4
void views_clean(struct view *const *views, size_t n);

#endif
