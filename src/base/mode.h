/*
 * mode.h - what was asked for, as the engines use it. Read-only after mode_start.
 *
 * pure. How objects die, what is kept of them, and how long the dead may wait.
 */
#ifndef UD_BASE_MODE_H
#define UD_BASE_MODE_H

#include "words.h"

struct mode {
	bool strict;	  /* all at once */
	unsigned share;	  /* some at once, if that takes no more percent of the time; strict: 100 */
	bool grouped;	  /* by whole pages: pages/; else rows/ */
	bool poison;	  /* what is freed is filled until it dies */
	bool records;	  /* who allocated and freed each */
	bool one_bit;	  /* of two frees at the same instant one is told off at once: livebits.h */
	bool bare;	  /* what is freed is not noted, nor filled, nor dead at once */
	bool short_pages; /* malloc may take a short way through a page: */
	bool short_plain; /* the shortest, for nothing is noted of it */
	bool short_rows;  /* likewise, through a row */
	uint32_t sample;  /* one allocation in so many; 0: none */
	bool sample_asked; /* at that rate, whatever it costs    */
	uint32_t defer_frees;
	size_t defer_bytes;
	uint64_t defer_ns;
	uint32_t step; /* frees of one thread between looks at the bounds */
	/* A free that is stamped looks at the clock where its thread's count has none of these bits. */
	uint32_t looks;
	size_t dead_bytes; /* of what died, kept for reports; mode_limit makes it less */
};

extern struct mode mode;

/* Once, with options read, before the engine's own start. */
void mode_start(void);

/* So many bytes are all that the program has of what ours counts as, too: a sixteenth is for the dead. */
void mode_limit(size_t bytes);

#endif
