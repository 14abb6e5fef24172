/* record.c - see record.h. pure. */
#include "record.h"

static uint64_t slack_of(size_t slot, size_t size)
{
	return MIN(slot - size, (1UL << RECORD_SLACK_BITS) - 1);
}

void record_alloc(struct record *r, size_t slot, size_t size, int tid, uint32_t stack)
{
	*r = (struct record){
		.slack = slack_of(slot, size), .alloc_tid = (uint32_t)tid, .alloc_stack = stack};
}

void record_free(struct record *r, bool moved, int tid, uint32_t stack, uint32_t stamp)
{
	struct record w = *r;

	w.moved = moved;
	w.free_tid = (uint32_t)tid;
	w.free_stack = stack;
	w.free_stamp = stamp;
	*r = w;
}

void record_resize(struct record *r, size_t slot, size_t size)
{
	r->slack = slack_of(slot, size);
}

void record_read(const struct record *r, size_t slot, struct block *b)
{
	struct record w = *r;

	b->size = slot - w.slack;
	b->moved = w.moved;
	b->alloc_tid = (int)w.alloc_tid;
	b->free_tid = (int)w.free_tid;
	b->alloc_stack = w.alloc_stack;
	b->free_stack = w.free_stack;
	b->free_stamp = w.free_stamp;
}
