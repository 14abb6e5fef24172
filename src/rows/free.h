/*
 * free.h - what every way of free does, the shortest (malloc/short_free.c) and the long (free.c).
 *
 * app context, no lock. livebits.h says how of two frees of one object one is told off.
 */
#ifndef UD_ROWS_FREE_H
#define UD_ROWS_FREE_H

#include "base/base.h"
#include "trace/trace.h"
#include "sweep.h"
#include "cursors.h"

#include <sys/single_threaded.h>

/* May what is freed in this place die at once? (free.c) */
bool slot_allowed(const struct view *v, uint32_t idx, uint64_t place);

/* Does what is freed there by this stack, or caller, die at once? */
static inline bool dies_at_once(
	struct owner *o, const struct view *v, uint32_t idx, uint32_t stack, void *frame)
{
	uint64_t place;

	if (!mode.share || mode.strict)
		return mode.strict;
	place = atonce_place(stack, frame, v->geom->cls);
	if (likely(o && atonce_rests(o->rests, place)))
		return false;
	return slot_allowed(v, idx, place);
}

/*
 * Object idx, at `at`, is about to be freed by o (NULL: no owner), its bit still set, for what is dead may be
 * used by others: it is filled, and noted by whom. rec: v->rec, or NULL, if that is known; stack: who frees, where
 * it is noted. Returns whether it dies at once.
 */
static ALWAYS_INLINE bool slot_ends(struct owner *o, struct view *v, struct record *rec,
	uint32_t idx, vaddr_t at, bool moved, uint32_t stack, void *frame)
{
	bool at_once = dies_at_once(o, v, idx, stack, frame);

	if (rec)
		record_free(&rec[idx], moved, owner_tid(o), stack, stamp_take(o));
	if (mode.poison)
		poison_fill(at, v->geom->size);
	return at_once;
}

#endif
