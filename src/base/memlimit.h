/*
 * memlimit.h - how much memory this process may have.
 *
 * app context, once, from start: raw system calls, no allocation.
 */
#ifndef UD_MEMLIMIT_H
#define UD_MEMLIMIT_H

#include "words.h"

/*
 * Bytes: the least of the machine's memory and the limit of the process's own memory cgroup
 * (v1 memory.limit_in_bytes, v2 memory.max; cgroups(7)). Not the limits of groups further up.
 */
size_t memlimit(void);

/* The path of the memory cgroup in the text of /proc/self/cgroup; false if it names none. pure. */
bool memlimit_path(const char *text, char *path, size_t size);

#endif
