/*
 * mode.h - the modes in which the rows work.
 *
 * app context. LOCK ORDER of the rows: shared_lock, sweep_lock, large_lock, tcache_lock, class
 * locks (by index), super_lock, views_lock, heap_chunk_lock, space_lock, host_lock, meta_lock. All
 * are taken with signals blocked (lock.h). malloc's and free's short ways take none of them.
 */
#ifndef UD_ROWS_MODE_H
#define UD_ROWS_MODE_H

#include "base/base.h"
#include "host/host.h"

/* How long the dead are remembered, and when they die. Read-only after rows_start. */
struct mode {
	bool strict;
	bool records;
	uint32_t defer_frees;
	size_t defer_bytes;
	uint64_t defer_ns;
	uint32_t step;	   /* frees of one thread between looks at the bounds */
	size_t dead_bytes; /* of views and records kept for reports       */
};

extern struct mode mode;
/* Once, with options read, the host entered and addresses to be had. */
void rows_start(void);

/* In the child of a fork: at the address that it had. False: the kernel refuses. */
bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages);

#endif
