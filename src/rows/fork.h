/*
 * fork.h - the rows around a fork. See fork.c.
 */
#ifndef UD_ROWS_FORK_H
#define UD_ROWS_FORK_H

#include "view.h"

/* Around a fork: what pthread_atfork runs, for those that do not. The locks are held in between. */
void rows_fork_prepare(bool child_on_this_stack, struct lock *large);
void rows_fork_parent(void);
void rows_fork_child(void);
/* Is this in memory of which a fork's child has a copy that was made before the fork? */
bool rows_copied(const void *p);

/* block_source's: see block.h. */
bool rows_appears(vaddr_t addr);

#endif
