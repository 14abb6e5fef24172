/*
 * dwarf.h - frames to functions and lines, by elfutils' libdw.
 *
 * dwarf.c where <elfutils/libdwfl.h> was there at compile time, else dwarf_none.c, which says no.
 */
#ifndef UD_DWARF_H
#define UD_DWARF_H

#include "finding.h"

/* NULL, or one line that says why frames cannot be completed here. */
const char *dwarf_missing(void);

/* A directory more to look for modules and their debug files in. */
void dwarf_search(const char *dir);

/*
 * Puts function and lines into f if they can be had, else f->lacks says why not. Lines that it has
 * stay. f->offset is an address inside the instruction that was running or that called.
 */
void dwarf_complete(struct frame *f);

/* C++ names as people write them; any other name as it is. */
const char *demangle(const char *name);

#endif
