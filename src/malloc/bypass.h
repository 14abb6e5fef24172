/*
 * bypass.h - a program that brings its own malloc, though we are loaded. app context, no malloc.
 */
#ifndef UD_BYPASS_H
#define UD_BYPASS_H

#include "malloc.h"

/* The function of that name that the program has found before ours; NULL: it has ours, or none. */
void *bypass_of(const char *name);

/* Does the program's malloc come from somebody else? */
bool bypass_is(void);

/* Says so, once per program: not where an ancestor is the same program, which has said it. */
void bypass_warn(void);

#endif
