/*
 * mortal.h - what may die, a view or a sheet: which lists it is on, and what is remembered of the dead.
 *
 * app context. Any thread's free puts one on a list, without a lock; a sweep takes the list. One that died
 * stays in the table of addresses with its records, so that a late double free or stale access can be
 * explained; the oldest go when they take more than mode.dead_bytes. One engine runs: the lists are its own.
 */
#ifndef UD_BASE_MORTAL_H
#define UD_BASE_MORTAL_H

#include "owner.h"
#include "pace.h"

enum mortal_list {
	PENDING, /* something in it is dead, and was not killed yet */
	SPENT,	 /* all of it: it dies whole */
	MORTAL_LISTS,
};

struct mortal {
	_Atomic uint8_t on[MORTAL_LISTS]; /* it is, or in the hands of who took the list */

	/* Under the sweep's lock. */
	bool buried;		 /* it died whole; pending it may be still, and on that list */
	uint8_t worth;		 /* of a kill in it, at the last sweep */
	uint32_t weight;	 /* buried: bytes to remember it */
	struct pace_since since; /* of what waits to die */

	/* Whoever set on[]; then the sweep. Of the buried, next[SPENT] is the next younger. */
	struct mortal *next[MORTAL_LISTS];
};

/* It is on the list from now on; false: it was. */
bool mortal_add(struct mortal *m, enum mortal_list l);
static inline void mortal_pending(struct mortal *m)
{
	if (!atomic_load(&m->on[PENDING]))
		mortal_add(m, PENDING);
}
/* It has so many pages of addresses, and gives back so many bytes. */
void mortal_spent(struct mortal *m, uint32_t pages, size_t bytes);
bool mortals_spent_many(void); /* they should die now */

struct mortal *mortals_take(enum mortal_list l); /* all of it, by next[l]: it is empty then */
void mortal_again(struct mortal *m, enum mortal_list l); /* back onto it, of one that is marked */

/* The sweep's lock held: m, which is buried, is remembered. */
void mortal_remember(struct mortal *m, size_t weight);
/* Likewise: the oldest are forgotten. forget() frees one; false: that is held. */
void mortals_forget(bool (*forget)(struct mortal *m));
/* m, which is dead and where owner.in says so, may be in the hands of a late free, or on a list. */
bool mortal_is_held(const struct mortal *m, const void *where);

#endif
