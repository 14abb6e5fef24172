/*
 * fork.h - forks made by syscall(2).
 *
 * app context. Any thread, any stack, signal handlers too.
 */
#ifndef UD_FORK_H
#define UD_FORK_H

#include "base/base.h"

/* May it be a fork? Then it is to be made by fork_syscall. */
bool fork_is_syscall(long nr);

/* syscall(a[0], a[1] .. a[6]), by `next` if it is no fork. As syscall(2): -1 and errno. */
long fork_syscall(long (*next)(long, long, long, long, long, long, long), const long *a);

/* Is this process, or has it made, a child of a fork? */
bool fork_was_made(void);

/* From the constructor, before any other handler of forks is registered. */
void fork_init(void);

#endif
