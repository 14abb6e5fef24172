/*
 * sweep.h - how dead pages die: at once, or in a sweep (base/sweep.h); and sheets that are dead as a whole.
 *
 * app context.
 */
#ifndef UD_PAGES_SWEEP_H
#define UD_PAGES_SWEEP_H

#include "sheet.h"

/* Page u of s has no live object; killed before it returns, or later. */
void page_died(struct sheet *s, uint32_t u, bool at_once);
/* Notes what is wrong with all that was freed and is not dead; nothing dies. In a section. */
void pages_look_late(void);

/* Where there is a limit: what is dead counts as little as can be. In a section. */
void pages_unmap(void);

/* The program changes how pages of the sheet at `at` are mapped. In a section. */
void sheet_own(vaddr_t at);

extern const struct sweeper pages_sweeper;

#endif
