/*
 * look.h - what ud_look answers: everything about the block at an address, for debuggers.
 *
 * The command runs ud_look of the library of another process over a copy of that process's memory
 * (cli/foreign.h), so a core is asked as a living process is. Both sides are of one build: the
 * command compares build ids. What breaks it: an answer that takes more than reading memory.
 */
#ifndef UD_LOOK_H
#define UD_LOOK_H

#include "block.h"

#define LOOK_FRAMES 48

struct lookup {
	struct block block;
	vaddr_t next;	    /* the first address behind it where another may begin; 0: none   */
	const char *report; /* the text of the last finding; "": there was none              */
	size_t nalloc, nfree;
	uintptr_t alloc[LOOK_FRAMES], free[LOOK_FRAMES]; /* return addresses, innermost first */
};

/* addr 0: only next, the first address of all, and report. See block.h for when it may be called. */
void ud_look(vaddr_t addr, struct lookup *l);

#endif
