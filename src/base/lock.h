/*
 * lock.h - the engine's locks: a futex word, taken with signals blocked.
 *
 * app context. A thread that holds one of these cannot be interrupted by a handler that wants
 * the same one, so malloc works in signal handlers; no libc call is made under them. Between
 * lock_section_enter and lock_section_leave no signal but the synchronous ones arrives. The
 * order in which several are taken stands in alias.h (LOCK ORDER).
 */
#ifndef UD_LOCK_H
#define UD_LOCK_H

#include "sys.h"

#include <linux/futex.h>
#include <stdatomic.h>

struct lock {
	_Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody waits */
};

/* The signal mask to go back to. */
struct lock_section {
	uint64_t mask;
};

static inline void lock_section_enter(struct lock_section *s)
{
	/* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP stay open: a fault in here is our bug. */
	uint64_t all = ~(1UL << 10 | 1UL << 6 | 1UL << 7 | 1UL << 3 | 1UL << 4);

	sys_call4(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)&all, (long)&s->mask, 8);
}

static inline void lock_section_leave(const struct lock_section *s)
{
	sys_call4(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&s->mask, 0, 8);
}

static inline void lock_take(struct lock *l)
{
	uint32_t is = 0;

	if (atomic_compare_exchange_strong(&l->word, &is, 1))
		return;
	for (int spin = 0; spin < 40; spin++) {
		is = 0;
		if (atomic_compare_exchange_strong(&l->word, &is, 1))
			return;
		__builtin_ia32_pause();
	}
	while (atomic_exchange(&l->word, 2))
		sys_call6(__NR_futex, (long)&l->word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

static inline void lock_drop(struct lock *l)
{
	if (atomic_exchange(&l->word, 0) == 2)
		sys_call6(__NR_futex, (long)&l->word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* In the child of a fork: whoever waited is gone. */
static inline void lock_reset(struct lock *l)
{
	atomic_store(&l->word, 0);
}

#endif
