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

/* The first line, then the rest; flushed line by line. uc may be NULL: no registers then. */
void print_head(struct out *o, const struct report *r);
void print_body(struct out *o, const struct report *r, const ucontext_t *uc);

/* For the child of fork: the tid that the surviving thread had in the parent. */
void print_forked(int parent_tid);

#endif
