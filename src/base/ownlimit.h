/*
 * ownlimit.h - RLIMIT_DATA and RLIMIT_AS, which count what is ours as the program's.
 *
 * app context, raw system calls. Source: getrlimit(2).
 */
#ifndef UD_OWNLIMIT_H
#define UD_OWNLIMIT_H

#include "words.h"

struct ownlimit {
	uint64_t cur, max; /* bytes */
};

/*
 * From start: as many bytes are ours, of data and of addresses. Raises an RLIMIT_DATA that is below
 * that; -ENOMEM: it may not be raised.
 */
int ownlimit_start(size_t data, size_t addresses);

/* The program sets one of its limits: true if that is a small one, and room for ours on top of it. */
bool ownlimit_raise(int what, struct ownlimit *l);

/* Is one of them below what the machine has, for all that is known? */
bool ownlimit_is(void);

/* The RLIMIT_DATA that somebody set last; 0: nobody ever did. */
size_t ownlimit_data(void);

/* The kernel has said this of a limit: it becomes what was set. */
void ownlimit_show(int what, struct ownlimit *l);

#endif
