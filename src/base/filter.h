/*
 * filter.h - the seccomp filters that the program has installed, and what they leave to us.
 *
 * app context. A sandbox allows what its author saw libc's malloc do; another call kills. So every
 * call of sys.h asks here first, once there is a filter, and what it would not allow is answered
 * with -EPERM. It counts for all threads, whichever installed it. Filters from before our start are
 * not known: host/probe.c asks only what they commonly allow.
 */
#ifndef UD_FILTER_H
#define UD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct sock_filter;

/* Is there any? */
extern bool filter_on;

bool filter_allows(long nr, const long arg[6]);

/*
 * About to be installed: n instructions; NULL: SECCOMP_MODE_STRICT. Calls of ours obey it from here
 * on. False: no memory to remember it.
 */
bool filter_add(const struct sock_filter *code, uint32_t n);
/* It was not installed. */
void filter_drop(void);

/* Told: what will not be allowed may have to be had now. */
extern void (*filter_changed)(void);

#endif
