/*
 * rules.h - unwind rules by code address, cached for the whole process.
 *
 * app context, in any state of the program; lock-free, waits for nobody. The table grows with what is
 * in it: where it is sparse each rule costs a page, two faults, and more in each fork.
 */
#ifndef UD_RULES_H
#define UD_RULES_H

#include "cfi.h"

#include <stdatomic.h>

/*
 * `key` is address ^ rule: two halves from different writers fail the comparison, so that reading
 * needs no lock and no 16-byte load.
 */
struct rules_slot {
	_Atomic uint64_t key, rule;
};

struct rules {
	uint32_t mask;
	_Atomic uint32_t kept; /* so many times something was */
	struct rules_slot slot[];
};

extern _Atomic(struct rules *) rules_cache; /* NULL at first; one that was replaced stays */

/* The slow half of rules_at: computes, and remembers. */
uint64_t rules_compute(uintptr_t pc);

static inline struct rules_slot *rules_slot(struct rules *t, uintptr_t pc)
{
	return &t->slot[pc * GOLDEN >> 40 & t->mask];
}

/* The packed rule at pc; never 0. */
static inline uint64_t rules_at(uintptr_t pc)
{
	struct rules *t = atomic_load_explicit(&rules_cache, memory_order_acquire);
	struct rules_slot *s;
	uint64_t v;

	if (unlikely(!t))
		return rules_compute(pc);
	s = rules_slot(t, pc);
	v = atomic_load_explicit(&s->rule, memory_order_relaxed);
	if (likely((atomic_load_explicit(&s->key, memory_order_relaxed) ^ v) == pc && v))
		return v;
	return rules_compute(pc);
}

/* In the child of fork. */
void rules_forked(void);

#endif
