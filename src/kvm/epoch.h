/*
 * epoch.h - when is no processor's TLB able to show a killed alias any more?
 *
 * pure: a counter and one slot per vCPU; the flush itself (reloading CR3) is the caller's.
 * INVLPG is local, so a canonical block (or an unlinked page table) whose alias was killed may
 * go back only after every vCPU has flushed since. Nobody is interrupted for it: each vCPU
 * flushes when it next allocates or frees, and a vCPU outside the guest (asleep in a system
 * call) counts as flushed, because epoch_wake makes it flush before guest code runs again.
 *
 *	kill, INVLPG, stamp = epoch_stamp()	... later: epoch_safe() >= stamp -> give it back
 *
 * What breaks it: taking the stamp before the kill; a flush before epoch_flush_begin; guest code
 * after epoch_wake said "flush" and nobody did.
 */
#ifndef UD_KVM_EPOCH_H
#define UD_KVM_EPOCH_H

#include "base/base.h"

#define EPOCH_CPUS 1024

enum epoch_state { EPOCH_UNUSED, EPOCH_ASLEEP, EPOCH_AWAKE };

struct epoch_cpu {
	uint64_t seen; /* everything stamped up to here was flushed on this vCPU */
	uint32_t state;
} __attribute__((aligned(64)));

struct epochs {
	uint64_t now;
	uint32_t ncpus; /* slots in use or once used: [0, ncpus) */
	uint32_t awake; /* vCPUs that are in use                 */
	struct epoch_cpu cpu[EPOCH_CPUS];
};

/* Killed up to now: may go back when epoch_safe reaches the stamp. */
static inline uint64_t epoch_stamp(struct epochs *e)
{
	return __atomic_add_fetch(&e->now, 1, __ATOMIC_SEQ_CST);
}

/* Must this vCPU flush to let the others go on? One load and one compare. */
static inline bool epoch_stale(const struct epochs *e, const struct epoch_cpu *c)
{
	return __atomic_load_n(&e->now, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&c->seen, __ATOMIC_RELAXED);
}

/* Around a flush: token = begin; flush; end(token). */
static inline uint64_t epoch_flush_begin(const struct epochs *e)
{
	return __atomic_load_n(&e->now, __ATOMIC_SEQ_CST);
}

static inline void epoch_flush_end(struct epoch_cpu *c, uint64_t token)
{
	__atomic_store_n(&c->seen, token, __ATOMIC_SEQ_CST);
}

/* Slot i is in use from now on (asleep, what its TLB holds unknown), or no more. Idempotent. */
struct epoch_cpu *epoch_join(struct epochs *e, uint32_t i);
void epoch_leave(struct epochs *e, struct epoch_cpu *c);

/* It has left the guest (before a system call that may block), or is about to enter. */
void epoch_sleep(struct epoch_cpu *c);
/* true: flush (begin, flush, end) before any guest code runs. */
bool epoch_wake(struct epochs *e, struct epoch_cpu *c);

/* Everything with a stamp up to the answer may go back. */
uint64_t epoch_safe(const struct epochs *e);

#endif
