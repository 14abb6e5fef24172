/*
 * record.h - what is remembered of each allocation in the debug profile: 16 bytes.
 *
 * pure. Written by the thread that allocates or frees, read without a lock by the fault
 * handler. The requested size is kept as the slack behind it, which fits in 17 bits.
 */
#ifndef UD_RECORD_H
#define UD_RECORD_H

#include "block.h"
#include "words.h"

#define RECORD_TID_BITS	  22 /* PID_MAX_LIMIT */
#define RECORD_SLACK_BITS 17
#define RECORD_STACK_BITS 25 /* of the depot's ids */
#define RECORD_STAMP_BITS 14 /* stamp.h */

/* A word each, stored as one: so a free needs not wait for what was there. */
struct birth {
	uint64_t slack : RECORD_SLACK_BITS;
	uint64_t tid : RECORD_TID_BITS; /* 0: never handed out */
	uint64_t stack : RECORD_STACK_BITS;
};
struct death {
	uint64_t stack : RECORD_STACK_BITS;
	uint64_t stamp : RECORD_STAMP_BITS;
	uint64_t tid : RECORD_TID_BITS;
	uint64_t moved : 64 - RECORD_STACK_BITS - RECORD_STAMP_BITS - RECORD_TID_BITS;
};

struct record {
	struct birth birth;
	struct death death;
};

_Static_assert(sizeof(struct record) == 16, "records are counted in the memory bound");

static inline uint64_t record_slack(size_t slot, size_t size)
{
	return MIN(slot - size, (1UL << RECORD_SLACK_BITS) - 1);
}

/*
 * A block of size bytes (at most slot, the size of its slot) by thread tid, whose stack has that number in the depot;
 * its death; another size of it. By whoever has the block: one thread at a time.
 */
static inline void record_alloc(struct record *r, size_t slot, size_t size, int tid, uint32_t stack)
{
	r->birth = (struct birth){
		.slack = record_slack(slot, size), .tid = (uint32_t)tid, .stack = stack};
	r->death = (struct death){0};
}

static inline void record_free(
	struct record *r, bool moved, int tid, uint32_t stack, uint32_t stamp)
{
	r->death = (struct death){
		.stack = stack, .stamp = stamp, .tid = (uint32_t)tid, .moved = moved};
}

static inline void record_resize(struct record *r, size_t slot, size_t size)
{
	r->birth.slack = record_slack(slot, size);
}

/* Fills sizes, threads, stacks and stamp of *b; slot is the size of the slot. */
void record_read(const struct record *r, size_t slot, struct block *b);

#endif
