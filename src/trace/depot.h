/*
 * depot.h - stacks remembered once each, by ids of RECORD_STACK_BITS.
 *
 * app context: lock-free, no malloc; own memory, at most DEPOT_BYTES. Entries never go away, so
 * an id is good for ever (and after fork in both processes).
 */
#ifndef UD_DEPOT_H
#define UD_DEPOT_H

#include "base/base.h"

#define DEPOT_BYTES (512UL << 20)
#define STACK_MAX   48 /* frames of a stack, at most: deeper ones are cut at the outer end */

/* A stack with the same outer frames: its frames skip.. are the new one's own.., if both go on. */
struct depot_near {
	uint32_t id; /* 0: none is known */
	uint32_t own, skip;
};

/*
 * The id of pc[0..n-1], whose hash is given; 0 if there is no memory for it (said once). near
 * may be NULL; what it says is believed.
 */
uint32_t depot_put(const uintptr_t *pc, size_t n, uint64_t hash, const struct depot_near *near);

/* The id of n frames with this hash; 0 if they were not put yet. */
uint32_t depot_find(uint64_t hash, size_t n);

/* The frames of an id, return addresses as captured; 0 if there is no such id. */
size_t depot_get(uint32_t id, uintptr_t *pc, size_t max);

size_t depot_bytes(void); /* in use */

/* In the child of fork. */
void depot_forked(void);

#define DEPOT_SQUARE(x) ((x) * (x))
#define DEPOT_CUBE(x)	((x) * (x) * (x))

/* The hash of a stack, frame by frame from the outermost: a polynomial, so that it can be cut. */
static inline uint64_t depot_hash(uint64_t h, uintptr_t pc)
{
	uint64_t m = pc * 0xd6e8feb86659fd93;

	return h * GOLDEN + (m ^ m >> 32);
}

/* Of STACK_MAX frames: h is that of these and all farther out, outer that of the latter. */
static inline uint64_t depot_hash_cut(uint64_t h, uint64_t outer)
{
	const uint64_t f12 = DEPOT_SQUARE(DEPOT_SQUARE(DEPOT_CUBE(GOLDEN)));

	_Static_assert(STACK_MAX == 48, "f12 to the fourth");
	return h - outer * DEPOT_SQUARE(DEPOT_SQUARE(f12));
}

#endif
