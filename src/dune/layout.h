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

/* All three. */
int layout_print(struct out *o, const struct mappings *m);

/* The same as a drawing, to scale in bands. 0 or -errno. */
int layout_svg(struct out *o, const struct mappings *m);

#endif
