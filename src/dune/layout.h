/*
 * layout.h - the address space, printed: PML4 dump, process-map dump, layout chart, drawing.
 *
 * Before dune_enter, or app context. Reads the tables, changes nothing.
 */
#ifndef UD_DUNE_LAYOUT_H
#define UD_DUNE_LAYOUT_H

#include "mappings.h"
#include "base/base.h"

/* --- PML4 ---: [i] start - end by PTE addr = ... PTE_V PTE_W PTE_U (raw: ...) */
void layout_pml4(struct out *o, const struct pt *pt);

/* --- Process Map Dump ---. 0 or -errno. */
int layout_procmap(struct out *o);

/* --- Memory layout ---: the bounds in order of address. */
void layout_chart(struct out *o, const struct mappings *m);

/* The same as a drawing, to scale in bands, to a file. 0 or -errno. */
int layout_svg(const char *path, const struct mappings *m);

/*
 * What `undangle layout` does: makes the tables, draws unless svg is NULL, and prints all three to
 * descriptor 1. 0, or -errno and *what failed; where that is the drawing nothing was printed.
 */
int layout_show(enum mappings_form form, const char *svg, const char **what);

#endif
