/*
 * mode.c - the modes in which the rows work. app context, from start().
 */
#include "mode.h"
#include "counts.h"
#include "heap.h"

#include <errno.h>

struct mode mode;
struct counts rows_counts;

static void mode_init(void)
{
	mode.strict = options.detect == DETECT_STRICT;
	mode.records = options.stacks;
	mode.defer_frees = (uint32_t)options.defer_frees;
	mode.defer_bytes = options.defer_bytes;
	mode.defer_ns = options.defer_ms * 1000000UL;
	mode.step = MAX(1U, MIN(mode.defer_frees / 16, 256U));
	mode.dead_bytes = mode.records ? MIN(memlimit() / 16, 128UL << 20) : 4UL << 20;
}

/*
 * Where objects die one by one, later, and each has a page: views are made all the time, and dear.
 * They must not be many of a small range.
 */
#define SPANS_RANGE (1UL << 40)

static bool spans_wanted(void)
{
	return !mode.strict && space.end - space.base >= SPANS_RANGE;
}

void rows_start(void)
{
	mode_init();
	heap_init(spans_wanted(), true);
}

bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages)
{
	int err;

	do
		err = host_view_map(at, chunk, first, pages);
	while (err == -ENOSPC && host_spare());
	return !err;
}
