/*
 * sandbox.h - the calls that install a seccomp filter: told to base/filter.h before they are made.
 *
 * app context. a: the system call's number, prctl's or seccomp's, and its first three arguments.
 */
#ifndef UD_SANDBOX_H
#define UD_SANDBOX_H

#include <stdbool.h>

/* True: sandbox_after is to be told how it ended. */
bool sandbox_before(const long *a);
void sandbox_after(const long *a, long result);

#endif
