/*
 * owner.h - who hands out blocks: each thread for itself, and one for handlers that interrupt it.
 *
 * app context. An owner is a number, what its thread counts, and behind it what the engine hands out
 * from (rows/cursors.h, pages/cutter.h). `busy` is set while the thread's short way changes that; a
 * signal handler that finds it set uses the shared owner, under owner_shared_lock. Owners outlive
 * their threads: the next thread takes one over, of a few with all that it has; what more of them
 * had goes back, and what these have when the process forks (owners_empty).
 */
#ifndef UD_BASE_OWNER_H
#define UD_BASE_OWNER_H

#include "atonce.h"
#include "lock.h"

/* Of owner.freed: one addition counts both. */
#define FREED_SHIFT    32
#define FREED_ONE      (1UL << FREED_SHIFT)
#define FREED_COUNT(f) ((f) >> FREED_SHIFT)
#define FREED_BYTES(f) ((f) & (FREED_ONE - 1))

/* What a thread freed it tells the sweep by mode.step, or by 64 KB. */
#define FREED_STEP_BYTES (64UL << 10)

struct owner {
	bool busy;
	bool taken;  /* by a thread that lives */
	bool kept;   /* by none, with what the last one had */
	uint16_t id; /* of what it hands out, if < OWNER_NONE */
	int tid;
	uint64_t freed; /* FREED_ONE for each block since it last told the sweep, and their bytes */
	uint64_t allocs, frees;
	/*
	 * The view or sheet in which it freed last, and may still be: set before the object's bit is
	 * cleared, for then that may die, and be forgotten. Stores are seen in that order.
	 */
	_Atomic(const void *) in;
	struct owner *next;
	uint64_t refilled; /* owner_refills then */
	struct atonce_rest rests[ATONCE_RESTS];
};

#define OWNER_NONE 1023 /* no thread: each must think that another one is */

extern __thread struct owner *owner_mine;
extern struct owner *owner_of[OWNER_NONE + 1]; /* by id; that of 0 is the shared one */
extern struct owner *owner_all; /* grows in front, under owner_lock; to read it needs none */
extern struct lock owner_lock, owner_shared_lock;
extern _Atomic uint32_t owners_taken;  /* by threads that live */
extern _Atomic uint64_t owner_refills; /* views or sheets that any of them took */
extern _Atomic uint32_t owner_none_in; /* frees of threads that are no owner, just now */

/*
 * Once, before the first block: an owner has so many bytes, and this is the shared one. empty() gives
 * back what the owner of no thread has; NULL: that is worth nothing.
 */
void owner_start(size_t bytes, struct owner *shared, void (*empty)(struct owner *o));
void owner_init(void); /* from the constructor: thread exits are seen from here on */
/* This thread's, made if need be; NULL: no memory, or the thread is ending. In a section. */
struct owner *owner_get(void);
/*
 * In a section until it is released, all of its long way: this thread's; or the shared one, locked, where it has none
 * or a handler has interrupted its short way.
 */
struct owner *owner_hold(struct lock_section *s);
void owner_release(const struct owner *o, const struct lock_section *s);
/* As owner_get(), of a thread that frees before it has allocated anything; out of a section. */
void owner_arrive(void);
void owner_fork_child(void);
void owners_empty(void); /* all that are kept. In a section */
/* Of all owners, the shared one too. */
size_t owners_sum(size_t (*of)(const struct owner *o));
/* May a thread be in the middle of a free in this view or sheet? */
bool owner_is_in(const void *where);

/* The number of the calling thread, which is this owner or (NULL) none: without a call where it is one. */
static inline int owner_tid(const struct owner *o)
{
	return o ? o->tid : sys_gettid();
}

/* Around what changes what it hands out from: handlers keep away from that meanwhile. */
static inline void owner_busy(struct owner *o)
{
	o->busy = true;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void owner_idle(struct owner *o)
{
	atomic_signal_fence(memory_order_seq_cst);
	o->busy = false;
}

static inline void owner_enter(struct owner *o, const void *where)
{
	atomic_store_explicit(&o->in, where, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
}

/* One more block is freed, of so many bytes. True: it is time to tell the sweep (owner_told). */
static inline bool owner_freed(struct owner *o, size_t bytes, uint32_t step)
{
	uint64_t freed = o->freed + FREED_ONE + bytes;

	o->freed = freed;
	return FREED_COUNT(freed) >= step || FREED_BYTES(freed) >= FREED_STEP_BYTES;
}

/* Returns what it freed since the last time: FREED_COUNT and FREED_BYTES of that. */
static inline uint64_t owner_told(struct owner *o)
{
	uint64_t freed = o->freed;

	o->freed = 0;
	o->frees += FREED_COUNT(freed);
	return freed;
}

#endif
