/*
 * sizes.h - the sizes of blocks up to a page, in the pages as in the rows; and quick division by them.
 *
 * pure but for its own read-only table.
 */
#ifndef UD_BASE_SIZES_H
#define UD_BASE_SIZES_H

#include "words.h"

#define BLOCK_ALIGN   16
#define SMALL_MAX     4096UL /* up to here several share a page, or one has it */
#define SMALL_CLASSES 23U

extern const uint16_t small_size[SMALL_CLASSES];
extern uint8_t small_class[SMALL_MAX / 16 + 1]; /* by 16 bytes */

void small_init(void); /* before the first small_class_of */

/* The class for size (<= SMALL_MAX). */
static inline unsigned small_class_of(size_t size)
{
	return small_class[(size + 15) >> 4];
}

/* d's reciprocal. */
static inline uint64_t quick_inverse(uint32_t d)
{
	return ((1UL << 32) + d - 1) / d;
}

/* x / d by its reciprocal; exact for x, d <= 20480. */
static inline uint32_t quick_div(uint32_t x, uint64_t inv)
{
	return (uint32_t)((x * inv) >> 32);
}

#endif
