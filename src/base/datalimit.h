/*
 * datalimit.h - RLIMIT_DATA, which counts our tables as the program's data.
 *
 * app context, raw system calls.
 */
#ifndef UD_DATALIMIT_H
#define UD_DATALIMIT_H

#include "words.h"

/* From start: as much is ours. Raises a limit that is below that; -ENOMEM: it may not be raised. */
int datalimit_start(size_t room);

struct datalimit {
	uint64_t cur, max;
};

/* The program sets a limit of its own: true if that is below what is ours, and now on top of it. */
bool datalimit_raise(struct datalimit *l);

#endif
