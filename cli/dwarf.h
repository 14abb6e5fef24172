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

enum dwarf_top {
	TOP_CALLS, /* the first frame's function called the library */
	TOP_EXACT, /* it was interrupted */
};

/*
 * All frames of a stack, and those that are missing because of tail calls, guessed. `call` is the
 * function that the first one called, by name; NULL: one of malloc's family.
 */
void dwarf_stack(struct stack *k, enum dwarf_top top, const char *call);

/* finding.c: all stacks of a finding. */
void dwarf_finding(struct finding *f);

/* Names of C++ and Rust as people write them; any other name, and NULL, as it is. */
const char *demangle(const char *name);

/* Whether it looks like one of theirs. */
static inline bool mangled(const char *name)
{
	return name && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

#endif
