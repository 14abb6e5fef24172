/*
 * cursors.h - what a thread hands out from in the rows: a view for each class.
 *
 * app context; see base/owner.h for who changes it when.
 */
#ifndef UD_ROWS_CURSORS_H
#define UD_ROWS_CURSORS_H

#include "view.h"

struct cursor {
	vaddr_t next;	/* the object of mask's lowest bit; 0 where mask is */
	uint16_t views; /* made for it so far, about */
	uint32_t word;
	uint64_t mask;	   /* objects of the word that were not handed out yet               */
	struct view *view; /* of the word; without mask it means nothing, and may be gone */
	/* That has more words for the cursor. A sweep may take it away: idle.c. */
	_Atomic(struct view *) rest;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cursor) == 64, "a line of the cache to each");

struct cursors {
	struct owner own;
	struct cursor cur[HEAP_CLASSES];
	/* What the look before saw, under sweep_lock: idle.c */
	struct {
		uint64_t allocs;
		struct {
			struct view *view;
			uint32_t word, looks;
		} cur[HEAP_CLASSES];
	} seen;
};

static inline struct cursors *cursors_mine(void)
{
	return (struct cursors *)owner_mine;
}

static inline struct cursors *cursors_of(unsigned id)
{
	return (struct cursors *)owner_of[id];
}

#endif
