/*
 * dead.h - sheets that died are remembered for a while, so that a late double free or stale access
 * can be explained. app context, pages_sweep_lock held.
 */
#ifndef UD_PAGES_DEAD_H
#define UD_PAGES_DEAD_H

#include "sheet.h"

void dead_sheet_push(struct sheet *s);
void dead_sheets_forget(void); /* the oldest, where they take more than mode.dead_bytes */

#endif
