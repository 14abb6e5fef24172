/*
 * clean.h - what is dead in a sheet, and how it dies there, with the living around it.
 *
 * app context; everything here is called with sweep_lock held.
 */
#ifndef UD_PAGES_CLEAN_H
#define UD_PAGES_CLEAN_H

#include "sheet.h"

/* What is dead in a sheet, and what of that was not killed yet: pages. */
struct census {
	uint64_t dead[SHEET_WORDS], due[SHEET_WORDS];
	unsigned ndead, ndue;
	bool whole; /* all of it was handed out, and nothing lives */
};

void sheet_census(struct sheet *s, struct census *n);

/* Kills everything dead in s. Frees that come later put it on the list again. */
void sheet_clean(struct sheet *s);

/* Kills these pages of s, which are dead. */
void sheet_kill(struct sheet *s, const uint64_t *due);

/* Notes what is wrong with what was freed in these pages of s, which were not killed yet. */
void sheet_find_late(struct sheet *s, const uint64_t *in);

#endif
