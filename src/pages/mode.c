/* mode.c - see mode.h: what was asked for, and what is counted. app context. */
#include "mode.h"
#include "class.h"

struct pages_swept pages_swept;
struct pages_mode pages_mode;

void pages_start(void)
{
	struct pages_mode *m = &pages_mode;

	m->records = options.stacks;
	m->defer_frees = (uint32_t)options.defer_frees;
	m->defer_bytes = options.defer_bytes;
	m->defer_ns = options.defer_ms * 1000000UL;
	m->step = MAX(1U, MIN(m->defer_frees / 16, 256U));
	m->dead_bytes = m->records ? MIN(memlimit() / 16, 128UL << 20) : 4UL << 20;
	pages_class_init();
}
