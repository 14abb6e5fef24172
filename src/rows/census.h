/*
 * census.h - what is dead in a view, counted; and its bits, checked.
 *
 * app context, sweep_lock held.
 */
#ifndef UD_ROWS_CENSUS_H
#define UD_ROWS_CENSUS_H

#include "view.h"

/* What is dead in a view, and what of that was not killed yet: units. */
struct census {
	uint64_t dead[EXTENT_PAGES_MAX / 64], due[EXTENT_PAGES_MAX / 64];
	unsigned ndead, ndue, nfresh;
	bool whole; /* all of it was handed out, and nothing lives */
};

void view_census(struct view *v, struct census *n);

/*
 * Debug builds: of the units of v those released were revoked, those revoked are dead, those dead
 * are its own; no more is handed out than there is; and it is where it belongs, among the living or
 * not. Ends the run with the place otherwise.
 */
void view_check_at(struct view *v, const char *at);
#define view_check(v) (UD_DEBUG ? view_check_at(v, LOCK_PLACE) : (void)0)

#endif
