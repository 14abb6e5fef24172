/*
 * block.h - the answer to "what is at this address?": the seam between the alias engine, which
 * answers, and the classifier and printer of findings, which ask.
 *
 * start.c says who answers. Lock-free and async-signal-safe: it runs in the
 * fault handler, while other threads (or the interrupted one) may be inside malloc; it must not
 * fault, take a lock or allocate. A torn answer is allowed only for a block that is being freed at
 * that instant.
 */
#ifndef UD_BLOCK_H
#define UD_BLOCK_H

#include "words.h"

enum block_state {
	BLOCK_NONE,  /* not an address we ever handed out (nor inside our virtual ranges)       */
	BLOCK_NEVER, /* inside our virtual ranges, but no block was ever there                  */
	BLOCK_LIVE,  /* addr lies in a live block, or before or behind it in its pages           */
	BLOCK_DEAD,  /* likewise of a block that was freed                                       */
};

struct block {
	enum block_state state;
	bool moved;	      /* it died because realloc moved it                           */
	bool of_class;	      /* size is its class's: what was asked for is not recorded    */
	bool forgotten;	      /* dead for so long that nothing else is known of it          */
	vaddr_t base;	      /* what malloc returned                                       */
	size_t size;	      /* what was asked for, bytes                                  */
	uint32_t alloc_stack; /* stack depot ids (stack.h); 0 = not recorded                */
	uint32_t free_stack;
	uint32_t free_stamp; /* when it was freed (stamp.h); 0 = not recorded               */
	int alloc_tid;	     /* kernel thread ids; 0 = not recorded                             */
	int free_tid;
};

struct block_source {
	/* Fills *b for any address; b->state tells how much of it means anything. */
	void (*find)(vaddr_t addr, struct block *b);
	/*
	 * A fault at addr: was it only because a fork's child has no blocks yet? They are there
	 * now, and the instruction may run again. First thing in the handler: the thread's own TLS
	 * may have been missing.
	 */
	bool (*appears)(vaddr_t addr);
	/* Is this in memory of which a fork's child has a copy that was made before the fork? */
	bool (*copied)(const void *p);
	/*
	 * The program is about to change by a system call how these pages are mapped, some of which
	 * may be its blocks'.
	 */
	void (*own)(vaddr_t lo, vaddr_t hi);
	/*
	 * The process is about to die of a signal, and may leave a core: what lives is to be in it. In
	 * a handler, perhaps on a small stack. NULL: it is so always.
	 */
	void (*dying)(void);
	/*
	 * Around a fork: what pthread_atfork runs, for those that run no handlers. Signals are
	 * blocked and the engine's locks held in between.
	 */
	void (*fork_prepare)(bool child_on_this_stack);
	void (*fork_parent)(void);
	void (*fork_child)(void);
};

/* Set once, before the first block. Until then nothing is ours. */
extern const struct block_source *block_source;
extern const struct block_source block_none;

static inline void block_find(vaddr_t addr, struct block *b)
{
	block_source->find(addr, b);
}

static inline bool block_appears(vaddr_t addr)
{
	return block_source->appears(addr);
}

#endif
