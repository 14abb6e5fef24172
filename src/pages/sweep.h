/*
 * sweep.h - when dead pages die: within bounds; sheets that are dead as a whole, a few at a time.
 *
 * app context.
 */
#ifndef UD_PAGES_SWEEP_H
#define UD_PAGES_SWEEP_H

#include "sheet.h"

extern struct lock pages_sweep_lock;

/* Page u of s has no live object; killed before it returns, or later. */
void sheet_page_died(struct sheet *s, uint32_t u, bool at_once);
/* Notes what is wrong with all that was freed and is not dead; nothing dies. In a section. */
void pages_look_late(void);

/* Kills what is due; all = everything dead. False if another thread is at it. In a section. */
bool pages_sweep(bool all);

/* So much was freed by this thread since it last said so; a sweep, if that makes one due. */
void pages_freed(uint32_t frees, size_t bytes);

/* The program changes how pages of the sheet at `at` are mapped. In a section. */
void sheet_own(vaddr_t at);

#endif
