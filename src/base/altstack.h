/*
 * altstack.h - a stack for our handlers where the program has given none.
 *
 * app context. A thread may run on a block that dies under it (a coroutine's stack that was
 * freed); then the kernel can only enter a handler on an alternate stack. So every thread that
 * allocates gets one, which the program does not see: sigaltstack(2) is interposed
 * (findings/signals.c), and its handlers run on it only if it has an alternate stack of its own
 * somewhere.
 */
#ifndef UD_ALTSTACK_H
#define UD_ALTSTACK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define ALTSTACK_BYTES (32UL * 1024) /* AVX-512 and AMX: 11 KB of each frame */

/* From the constructor, in the main thread. */
void altstack_init(void);

/* Gives the calling thread one, once; taken back at its end. Nothing before altstack_init. */
void altstack_enter(void);

/*
 * Around a fork, in whose child the program's alternate stack may be missing for a moment, for it
 * may be a block: ours instead. False if there is nothing to return, and where the thread stands on
 * it.
 */
bool altstack_lend(stack_t *was);
void altstack_return(const stack_t *was);

/*
 * Room above that stack for what a thread keeps and is too large for the static TLS, of which a
 * preloaded library gets little where there is LD_AUDIT: zeros at first. NULL where the thread has
 * no stack of ours (yet, or any more).
 */
#define ALTSTACK_ROOM (14UL * 1024)
extern __thread char *altstack_mine; /* its lowest byte, above the guard page */
static inline void *altstack_room(void)
{
	char *stack = altstack_mine;

	return stack ? stack + ALTSTACK_BYTES : NULL;
}

/* sigaltstack(2) as the program sees it, for whom ours is none. 0 or -errno. */
long altstack_set(const stack_t *ss, stack_t *old);

#endif
