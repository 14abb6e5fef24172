/*
 * sweep.h - when the dead die: within bounds; what is dead as a whole, a few at a time.
 *
 * app context. A free that leaves nothing alive in a part of a view or sheet (a unit, a page) makes it pending;
 * a sweep looks through those and has killed what is due. One in which nothing lives is spent: it dies
 * whole, which costs a hundredth of killing its parts one by one. So nothing else is killed before a bound
 * says so, and then where the most bytes are had for the fewest kills.
 */
#ifndef UD_BASE_SWEEP_H
#define UD_BASE_SWEEP_H

#include "mode.h"
#include "mortal.h"

/* How the engine that runs does it. All but heap() with sweep_lock held. */
struct sweeper {
	/* Bytes, by which is bounded what waits. */
	size_t (*heap)(void);
	/* m is pending: *due bytes wait in it, among so many parts that live; false: it is done with. */
	bool (*look)(struct mortal *m, size_t *due, unsigned *living);
	/* What is dead in all of the list dies: by next[PENDING]. */
	void (*clean)(struct mortal *list);
	/* They die whole, by next[SPENT]; not all: or wait for others. */
	void (*retire)(struct mortal *list, bool all);
	/* See mortals_forget. */
	bool (*forget)(struct mortal *m);
	/* Or NULL: where a sweep begins, now and then; behind each. */
	void (*now_and_then)(void), (*swept)(void);
};

extern struct lock sweep_lock;
extern uint64_t sweeps; /* so far */

void sweep_start(const struct sweeper *how); /* once, before the first block */

/* Kills what is due; all = everything dead. False if another thread is at it. In a section. */
bool sweep_run(bool all);
/* The spent die, unless another thread is at it. In a section. */
void sweep_spent(void);
void sweep_spent_if_many(void); /* In a section or not */

/* So much was freed by this thread since it last said so; a sweep, if that makes one due. */
void sweep_freed(uint32_t frees, size_t bytes);
void sweep_told(struct owner *o); /* likewise: what o counted */
/* By a thread that was no owner, a block: it is one from here on; or is ending. */
void sweep_freed_alone(size_t bytes);

/* One more block is freed, of so many bytes. */
static inline void sweep_count(struct owner *o, size_t bytes)
{
	if (unlikely(owner_freed(o, bytes, mode.step)))
		sweep_told(o);
}

#endif
