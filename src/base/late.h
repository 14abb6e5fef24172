/*
 * late.h - what a sweep finds wrong, to be told when its lock is dropped.
 *
 * app context, no lock: one sweep at a time notes, whoever frees next takes. What has no room is not
 * told: a program with so many mistakes has had enough of them told.
 */
#ifndef UD_BASE_LATE_H
#define UD_BASE_LATE_H

#include "block.h"

#include <stdatomic.h>

enum late_what {
	LATE_TWICE, /* two threads freed it at the same instant */
	LATE_WRITE, /* it was written to after it was freed: poison.h */
};

struct late {
	enum late_what what;
	vaddr_t at;
	uint64_t value;	    /* of the word there, LATE_WRITE */
	struct block block; /* as it was when it was noted */
};

extern _Atomic bool late_waits;

/* By the one sweep that runs, while the block is found by block_find. */
void late_note(enum late_what what, vaddr_t at, uint64_t value);
/* False: there is nothing. Hold no lock, after whatever may have swept. */
bool late_take(struct late *l);

#endif
