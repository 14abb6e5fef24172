/* record.c - see record.h. pure. */
#include "record.h"

void record_read(const struct record *r, size_t slot, struct block *b)
{
	struct record w = *r;

	b->size = slot - w.birth.slack;
	b->alloc_tid = (int)w.birth.tid;
	b->alloc_stack = w.birth.stack;
	b->moved = w.death.moved;
	b->free_tid = (int)w.death.tid;
	b->free_stack = w.death.stack;
	b->free_stamp = w.death.stamp;
}
