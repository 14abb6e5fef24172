/*
 * sweep.h - when the dead die: at once (strict, adaptive), within bounds (all others). See sweep.c.
 *
 * app context.
 */
#ifndef UD_ROWS_SWEEP_H
#define UD_ROWS_SWEEP_H

#include "view.h"

extern struct lock sweep_lock;

/* A unit died, and those that are inside the same object; killed before it returns, or later. */
void unit_died(struct view *v, uint32_t u, bool at_once);
/* Nothing in it lives, and all of it was handed out. Looks, and lets some die if they are many. */
void sweep_look_spent(struct view *v);
void sweep_spent(void); /* in a section */
/* Kills what is due; all = everything dead. False if another thread is at it. */
bool sweep_run(bool all);
/* So much was freed by this thread since it last said so; a sweep, if that makes one due. */
void sweep_freed(uint32_t frees, size_t bytes);
/* Notes what is wrong with all that was freed and is not dead; nothing dies. In a section. */
void sweep_look_late(void);

#endif
