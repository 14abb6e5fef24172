/*
 * own.h - pages of a view that the program changed by a system call: private memory of their own.
 * See own.c.
 */
#ifndef UD_ROWS_OWN_H
#define UD_ROWS_OWN_H

#include "view.h"

/* The pages of [lo, hi), which lie in one part of the addresses. In a section. */
void rows_own(vaddr_t lo, vaddr_t hi);

extern bool views_owned; /* some are */

/* Does anything live in this page of the view? */
bool view_page_lives(struct view *v, uint32_t page);

/* Is this page (of a view, dead or alive) not the view's any more? */
bool view_owns(const struct view *v, uint32_t page);

/*
 * A fault at addr: was it only because its pages were on their way? Then they are there now. For
 * the fault handler.
 */
bool own_appears(vaddr_t addr);

#endif
