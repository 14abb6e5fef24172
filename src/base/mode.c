/* mode.c - see mode.h. */
#include "mode.h"
#include "memlimit.h"
#include "options.h"

#define DEAD_LEAST (4UL << 20)

struct mode mode;

void mode_start(void)
{
	mode.strict = options.detect == DETECT_STRICT;
	mode.grouped = options.detect == DETECT_GROUPED;
	mode.share = mode.strict			 ? 100
		     : options.detect == DETECT_DEFERRED ? 0
							 : (unsigned)options.strict_share;
	mode.poison = options.poison && !mode.strict;
	mode.records = options.stacks;
	mode.one_bit = mode.records || mode.strict;
	mode.bare = !mode.records && !mode.poison && !mode.share;
	mode.sample = (uint32_t)options.sample;
	mode.sample_asked = options.explicit >> OPTION_NTH_sample & 1;
	mode.short_pages = mode.grouped && (!mode.sample || mode.sample >= 64);
	mode.short_plain = mode.short_pages && !mode.records;
	mode.short_rows = !mode.grouped && !mode.sample;
	mode.defer_frees = (uint32_t)options.defer_frees;
	mode.defer_bytes = options.defer_bytes;
	mode.defer_ns = options.defer_ms * 1000000UL;
	mode.step = MAX(1U, MIN(mode.defer_frees / 16, 256U));
	mode.looks = mode.strict || !mode.records ? 0 : 15;
	mode.dead_bytes = mode.records ? MIN(memlimit() / 16, 32UL << 20) : DEAD_LEAST;
}

void mode_limit(size_t bytes)
{
	mode.dead_bytes = MIN(mode.dead_bytes, MAX(bytes / 16, DEAD_LEAST));
}
