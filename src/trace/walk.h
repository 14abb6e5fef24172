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
#define INNER_MAX 7   /* of a seen capture, beside the innermost itself */
#define SEEN_BITS 5   /* sets of two seen captures, as a power of two */

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

/* Where a return address is (sp - 8), and which. */
struct link {
	uintptr_t sp, ip;
};

/* Of a frame of the memo beside its link: the hash of all frames from the outermost to it. */
struct known {
	uintptr_t bp;
	uint64_t hash;
	enum by by;
};

/*
 * A capture that may come again: its inner frames, the memo's [0, below) that they lie on, and what the
 * depot knows it as. Two lines of the cache.
 */
struct seen {
	uintptr_t sp, ip, bp; /* of the innermost frame */
	uint64_t below_hash;  /* of memo frame [below - 1]; there is none where all are here */
	uint32_t id;
	uint16_t below;
	uint8_t n, by; /* the frames beside the innermost, its enum by */
	/* How far up from sp theirs are, in bytes; the last is memo frame [below - 1]. */
	uint32_t up[INNER_MAX + 1];
	uintptr_t ips[INNER_MAX];
};
_Static_assert(sizeof(struct seen) == 128, "two lines");

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
	bool busy;   /* a capture is at work below us on the stack: hands off */
	bool whole;  /* f[0] is the outermost frame of the stack              */
	uint8_t way; /* of a set: where the next one is put                   */
	uint32_t n;
	uint32_t id;   /* what the depot knows it as; 0: nothing */
	uint32_t last; /* what the last capture gave             */
	_Alignas(64) struct seen seen[1 << SEEN_BITS][2];
	struct link at[MEMO_MAX]; /* outermost first */
	struct known f[MEMO_MAX];
};
_Static_assert(sizeof(struct memo) <= ALTSTACK_ROOM, "one for each thread");

/* What this thread's stack has that can be read, as far as is known: whole pages. */
extern __thread struct readable {
	uintptr_t lo, hi;
} readable;

/* Walks from w->at; a fault ends it. Fills f, n, join, ended, plain. */
void walk_run(struct walk *w);

/* Do memo frames [from, n) stand where they were? n if all do, else the index of the innermost that does not. */
static ALWAYS_INLINE uint32_t memo_check(const struct memo *memo, uint32_t from, uint32_t n)
{
	if (unlikely(memo->at[from].sp > readable.hi || memo->at[n - 1].sp - 8 < readable.lo))
		return 0;
	for (const struct link *l = memo->at + n, *end = memo->at + from; l > end;) {
		l--;
		EXTABLE_HOLDS(l->sp - 8, l->ip, moved);
		continue;
moved:
		return (uint32_t)(l - memo->at);
	}
	return n;
}

#endif
