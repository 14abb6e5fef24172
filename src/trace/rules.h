/*
 * rules.h - unwind rules by code address, cached for the whole process.
 *
 * app context, in any state of the program; lock-free, waits for nobody.
 */
#ifndef UD_RULES_H
#define UD_RULES_H

#include "cfi.h"

#include <stdatomic.h>

#define RULES_BITS 15

/*
 * `key` is address ^ rule: two halves from different writers fail the comparison, so that reading
 * needs no lock and no 16-byte load.
 */
struct rules_slot {
	_Atomic uint64_t key, rule;
};

extern struct rules_slot rules_cache[1 << RULES_BITS];

/* The slow half of rules_at: computes, and remembers in s. */
uint64_t rules_compute(uintptr_t pc, struct rules_slot *s);

/* The packed rule at pc; never 0. */
static inline uint64_t rules_at(uintptr_t pc)
{
	struct rules_slot *s = &rules_cache[pc * 0x9e3779b97f4a7c15 >> (64 - RULES_BITS)];
	uint64_t v = atomic_load_explicit(&s->rule, memory_order_relaxed);

	if (likely((atomic_load_explicit(&s->key, memory_order_relaxed) ^ v) == pc && v))
		return v;
	return rules_compute(pc, s);
}

/* In the child of fork. */
void rules_forked(void);

#endif
