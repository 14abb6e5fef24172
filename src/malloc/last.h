/*
 * last.h - a heap for when aliases can neither be made nor killed: a seccomp filter forbids it, or the kernel
 * has no more mappings.
 *
 * app context. Its memory was reserved before the filter was there; it makes no system call but to
 * wait for its lock. What is freed is not handed out again before 64 MB more were freed, or before
 * the reserve is used up. Blocks from before stay what they are; those that die then stay readable,
 * and their memory is not used again.
 */
#ifndef UD_LAST_H
#define UD_LAST_H

#include "malloc.h"

#include <stdatomic.h>

/* Blocks come from here; false for good in most programs. */
extern bool last_on;

/* From the start: filters are looked at from then on. */
void last_init(void);

/* NULL: used up. */
void *last_alloc(size_t size, size_t align, bool zero);
/* What the engine had no memory for: NULL, if it is not mappings that are missing. */
void *last_instead(size_t size, size_t align, bool zero);

/* So many more blocks come from here before the engine is asked again. 0: it has mappings, as far as is known. */
extern _Atomic int last_refused;

/* Before the engine is asked; NULL: it is to be. */
static inline void *last_still(size_t size, size_t align, bool zero)
{
	if (likely(atomic_load_explicit(&last_refused, memory_order_relaxed) <= 0) ||
		atomic_fetch_sub(&last_refused, 1) <= 0)
		return NULL;
	return last_alloc(size, align, zero);
}

/* Is p an address of this heap, of a block or not? No lock. */
bool last_has(const void *p);
/* False: p is no live block; report_bad_free tells. last_has(p). */
bool last_free(void *p);
bool last_usable(const void *p, size_t *size);

#endif
