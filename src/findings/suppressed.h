/*
 * suppressed.h - the findings that --suppress says are known: not told, and the program goes on.
 *
 * app context, fault path; suppressed_by only inside report.c's gate. Host backend only.
 */
#ifndef UD_SUPPRESSED_H
#define UD_SUPPRESSED_H

#include "report.h"

/* From the constructor, while the file is where the user meant it. */
void suppressed_init(void);

/* Are there any rules? */
bool suppressed_any(void);

/*
 * Does a rule match the stack of the use? Modules and symbols are compared here; sources, inlined
 * functions and C++ names by the helper, if it can run. ucontext may be NULL.
 */
bool suppressed_by_rule(const struct report *r, const ucontext_t *uc);

/* The rules that matched nothing, a line each; a bit is set for each that did. */
void suppressed_unused(struct out *o, const uint64_t *used);

#endif
