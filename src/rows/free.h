/*
 * free.h - what every way of free does, the shortest (malloc/short_free.c) and the long (free.c).
 *
 * app context, no lock. An object has two bits: its owner, the thread that handed it out, clears
 * one; any other thread sets the other. What is freed already is a double free by either.
 */
#ifndef UD_ROWS_FREE_H
#define UD_ROWS_FREE_H

#include "base/base.h"
#include "trace/trace.h"
#include "sweep.h"
#include "cursors.h"

#include <sys/single_threaded.h>

/* Tells the sweep what the thread freed. */
static inline void cursors_told(struct cursors *tc)
{
	uint64_t freed = owner_told(&tc->own);

	sweep_freed((uint32_t)FREED_COUNT(freed), FREED_BYTES(freed));
}

/* See livebits.h. */
static inline bool clear_mine(struct view *v, uint32_t idx)
{
	return livebits_clear_mine(v->live, &v->gone, idx);
}

/* A kill there would split a huge page. */
static inline bool is_dear(const struct view *v, uint32_t u)
{
	return !(v->split & view_split_bit(u)) && view_is_huge(v);
}

/* Does what is freed there by this stack, or caller, die at once? */
static inline bool dies_at_once(const struct view *v, uint32_t idx, uint32_t stack, void *frame)
{
	if (!mode.share || mode.strict)
		return mode.strict;
	return atonce_allows(
		atonce_place(stack, frame, v->geom->cls), is_dear(v, view_unit_of(v, idx)));
}

/*
 * May an owner clear its own bit, for which it takes no lock prefix? Where each free is noted, or kills at
 * once, a double free is to be told at once: beside other threads every free takes the bit that tells two
 * at the same instant apart.
 */
static inline bool bits_by_owner(void)
{
	return mode.bare || __libc_single_threaded;
}

/*
 * Object idx, at `at`, is about to be freed, its bit still set, for what is dead may be used by others:
 * it is filled, and noted by whom. Returns whether it dies at once.
 */
static inline bool slot_ends(struct view *v, uint32_t idx, vaddr_t at, bool moved, void *frame)
{
	uint32_t stack = v->rec ? stack_capture(frame) : 0;
	bool at_once = dies_at_once(v, idx, stack, frame);

	if (v->rec)
		record_free(&v->rec[idx], moved, owner_tid(), stack, stamp_take(owner_mine));
	if (mode.poison)
		poison_fill(at, v->geom->size);
	return at_once;
}

#endif
