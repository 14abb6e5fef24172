/*
 * epoch.c - see epoch.h. pure.
 */
#include "epoch.h"

struct epoch_cpu *epoch_join(struct epochs *e, uint32_t i)
{
	uint32_t n = __atomic_load_n(&e->ncpus, __ATOMIC_RELAXED);

	while (n < i + 1 && !__atomic_compare_exchange_n(&e->ncpus, &n, i + 1, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	if (__atomic_exchange_n(&e->cpu[i].state, EPOCH_ASLEEP, __ATOMIC_SEQ_CST) == EPOCH_UNUSED)
		__atomic_add_fetch(&e->awake, 1, __ATOMIC_SEQ_CST);
	/* It may have run before and hold what was given back meanwhile. */
	__atomic_store_n(&e->cpu[i].seen, 0, __ATOMIC_SEQ_CST);
	return &e->cpu[i];
}

void epoch_leave(struct epochs *e, struct epoch_cpu *c)
{
	if (__atomic_exchange_n(&c->state, EPOCH_UNUSED, __ATOMIC_SEQ_CST) != EPOCH_UNUSED)
		__atomic_sub_fetch(&e->awake, 1, __ATOMIC_SEQ_CST);
}

void epoch_sleep(struct epoch_cpu *c)
{
	__atomic_store_n(&c->state, EPOCH_ASLEEP, __ATOMIC_SEQ_CST);
}

bool epoch_wake(struct epochs *e, struct epoch_cpu *c)
{
	/* Awake first: whoever still reads "asleep" read it before our flush. */
	__atomic_store_n(&c->state, EPOCH_AWAKE, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&e->now, __ATOMIC_SEQ_CST) != c->seen;
}

uint64_t epoch_safe(const struct epochs *e)
{
	uint64_t safe = __atomic_load_n(&e->now, __ATOMIC_SEQ_CST), seen;
	uint32_t i, n = __atomic_load_n(&e->ncpus, __ATOMIC_SEQ_CST);

	for (i = 0; i < n; i++) {
		if (__atomic_load_n(&e->cpu[i].state, __ATOMIC_SEQ_CST) != EPOCH_AWAKE)
			continue;
		seen = __atomic_load_n(&e->cpu[i].seen, __ATOMIC_SEQ_CST);
		safe = MIN(safe, seen);
	}
	return safe;
}
