/*
 * walk.h - a walk, and what is remembered of those before it. Inside trace/ only.
 *
 * app context. The memo is a thread's own; a walk that meets a frame of it may stop there, where
 * the return addresses farther out are still in their places.
 */
#ifndef UD_WALK_H
#define UD_WALK_H

#include "base/base.h"
#include "stack.h"

#define TOP_MAX	  96  /* frames walked at most in one capture */
#define MEMO_MAX  128 /* frames remembered at most */
#define SEEN_BITS 6   /* places remembered, as a power of two */

struct frame {
	uintptr_t sp, ip, bp; /* ip was read from sp - 8 */
	uint64_t rule;	      /* packed; 0 if it was not looked up */
};

/* By what the frames farther out are found from one: what has to be equal for them to be so. */
enum by {
	BY_SP,
	BY_BP,	   /* and sp */
	BY_MEMORY, /* that nobody looks at again */
};

/* A frame of the memo, and the hash of all frames from the outermost to it. */
struct known {
	uintptr_t sp, ip, bp;
	uint64_t hash;
	enum by by;
};

/* A place that captured: on top of which frames of the memo, and what the depot knows it as. */
struct seen {
	struct known at;
	uintptr_t below_sp; /* of memo frame [below - 1], which called it */
	uint64_t below_hash;
	uint32_t below, id;
};

/* What a walk has found, and how it goes on. */
struct walk {
	struct stack_regs at;
	bool exact; /* at.ip is the instruction itself */
	bool ended; /* the outermost frame was reached */
	bool plain; /* no signal frame: each ip is at sp - 8, and sp only grows */
	uint32_t n, max;
	uint32_t join;	   /* memo frames [0, join) are the rest */
	struct memo *memo; /* NULL: do without it */
	struct frame f[TOP_MAX];
};

struct memo {
	bool busy;  /* a capture is at work below us on the stack: hands off */
	bool whole; /* f[0] is the outermost frame of the stack              */
	uint32_t n;
	uint32_t id;		  /* what the depot knows it as; 0: nothing */
	struct known f[MEMO_MAX]; /* outermost first */
	struct seen seen[1 << SEEN_BITS];
};
_Static_assert(sizeof(struct memo) <= ALTSTACK_ROOM, "one for each thread");

/* Walks from w->at; a fault ends it. Fills f, n, join, ended, plain. */
void walk_run(struct walk *w);

/* Do memo frames [0, n), as many of them as are kept of a stack, stand where they were? */
bool walk_holds(const struct memo *memo, uint32_t n);

/* Does a walk that has come to r go on from there as the one did that k is of? */
static inline bool known_at(const struct known *k, const struct stack_regs *r)
{
	return k->sp == r->sp && k->ip == r->ip &&
	       (k->by == BY_SP || (k->by == BY_BP && k->bp == r->bp));
}

#endif
