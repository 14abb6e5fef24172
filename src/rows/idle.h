/*
 * idle.h - a thread that sleeps, or has ended, keeps no memory. See idle.c.
 */
#ifndef UD_ROWS_IDLE_H
#define UD_ROWS_IDLE_H

#include "cursors.h"

/*
 * From threads that have allocated nothing since the call before, what they have not
 * handed out. sweep_lock held.
 */
void idle_look(void);

/* All that the owner of no thread has not handed out. In a section. */
void cursors_empty(struct owner *o);

#endif
