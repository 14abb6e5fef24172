/*
 * cores.h - what of the views a core dump has. See cores.c.
 */
#ifndef UD_ROWS_CORES_H
#define UD_ROWS_CORES_H

#include "view.h"

/* A view is born; under views_lock. */
void core_keep(struct view *v);

/* It is mapped. */
void core_show(const struct view *v);

/* In the child the views that there are have no place in other cores than its own. */
void core_fork_child(void);

/* block_source's: see block.h. */
void rows_dying(void);

#endif
