/*
 * print.h - what a finding looks like; the format is described at the top of print.c.
 *
 * app context, fault path, any stack of some 16 KB: no malloc, no stdio, no lock. Not thread-safe:
 * only who is inside report_print's gate calls.
 */
#ifndef UD_PRINT_H
#define UD_PRINT_H

#include "report.h"

#include <sys/ucontext.h>

/* When it was found: what took place how long before. */
void print_begin(const struct report *r);
/* The first line, then the rest; flushed line by line. uc may be NULL: no registers then. */
void print_head(struct out *o, const struct report *r);
void print_body(struct out *o, const struct report *r, const ucontext_t *uc);
/* Its last line: what to do next. */
void print_hint(struct out *o, const struct report *r);

/* Around a fork, in its own thread: in the parent before, in the child after. */
void print_fork_prepare(void);
void print_fork_child(void);

#endif
