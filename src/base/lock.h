/*
 * lock.h - the engine's locks: a futex word, taken with signals blocked.
 *
 * app context. A thread that holds one of these cannot be interrupted by a handler that wants
 * the same one, so malloc works in signal handlers; no libc call is made under them. Between
 * lock_section_enter and lock_section_leave no signal but the synchronous ones arrives.
 *
 * A thread that holds a lock waits only for later ones of enum lock_rank; of several of one rank
 * (class locks) in the order of their addresses. A debug build (make DEBUG=1) ends where that is
 * broken, and names both places (lock.c).
 */
#ifndef UD_LOCK_H
#define UD_LOCK_H

#include "sys.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>

/* LOCK ORDER. malloc's and free's short ways take none of them. */
enum lock_rank {
	LOCK_UNRANKED, /* not checked */
	LOCK_START,
	LOCK_SHARED, /* the owner for handlers that interrupt their thread's own */
	LOCK_SWEEP,  /* what is dead, and dies                                 */
	LOCK_LARGE,
	LOCK_OWNER,
	LOCK_CLASS, /* the rows of one size                                   */
	LOCK_SUPER,
	LOCK_VIEWS,
	LOCK_CHUNK,
	LOCK_SHEET, /* what dead sheets left, ready to be used again          */
	LOCK_SPACE,
	LOCK_HOST,
	LOCK_META,
	LOCK_SPARE, /* tried only */
};

struct lock {
	_Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody waits */
	uint32_t rank;
};

#define LOCK(of)                   \
	{                          \
		.rank = LOCK_##of, \
	}

/*
 * Debug builds (-DUD_DEBUG) check what must be so; the others compile that, and leave it out.
 */
#ifndef UD_DEBUG
#define UD_DEBUG 0
#endif

/* May this thread wait for l? It has it; it drops it. `at`: the place that does. */
void lock_check_wait(const struct lock *l, const char *at);
void lock_check_got(const struct lock *l, const char *at);
void lock_check_drop(const struct lock *l, const char *at);

#define LOCK_LINE_(n) #n
#define LOCK_LINE(n)  LOCK_LINE_(n)
#define LOCK_PLACE    __FILE__ ":" LOCK_LINE(__LINE__)
#define lock_take(l)  lock_take_at(l, LOCK_PLACE)
#define lock_try(l)   lock_try_at(l, LOCK_PLACE)
#define lock_drop(l)  lock_drop_at(l, LOCK_PLACE)

/*
 * The signal mask to go back to. Where a filter does not allow to set it, a handler that calls
 * malloc in the middle of one waits for ever, as it does with libc's.
 */
struct lock_section {
	uint64_t mask;
	bool open; /* it was not changed */
};

/* SIGSEGV and SIGBUS: a load of ours may fault, and goes on elsewhere (extable.h). */
#define LOCK_FAULTS (1UL << (SIGSEGV - 1) | 1UL << (SIGBUS - 1))

/*
 * libc's own threads block them, those of SIGEV_THREAD, say, and there such a fault would end the process. What
 * was sent, and waits, comes no earlier for that.
 */
__attribute__((cold, noinline, unused)) static void lock_faults_open(void)
{
	uint64_t bits = LOCK_FAULTS, waits = LOCK_FAULTS;

	sys_call3(__NR_rt_sigpending, (long)&waits, 8, 0);
	if (!(waits & LOCK_FAULTS))
		sys_sigmask(SIG_UNBLOCK, &bits, NULL);
}

static inline void lock_section_enter(struct lock_section *s)
{
	/* SIGFPE, SIGILL and SIGTRAP stay open, too: one in here is our bug. */
	uint64_t all = ~(
		LOCK_FAULTS | 1UL << (SIGFPE - 1) | 1UL << (SIGILL - 1) | 1UL << (SIGTRAP - 1));

	s->mask = 0;
	s->open = sys_sigmask(SIG_BLOCK, &all, &s->mask) != 0;
	if (unlikely(s->mask & LOCK_FAULTS))
		lock_faults_open();
}

static inline void lock_section_leave(const struct lock_section *s)
{
	if (likely(!s->open))
		sys_sigmask(SIG_SETMASK, &s->mask, NULL);
}

static inline void lock_wait(struct lock *l)
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

static inline void lock_take_at(struct lock *l, const char *at)
{
	if (UD_DEBUG)
		lock_check_wait(l, at);
	lock_wait(l);
	if (UD_DEBUG)
		lock_check_got(l, at);
}

/* Does not wait, so it may be tried in any order. False: somebody else has it. */
static inline bool lock_try_at(struct lock *l, const char *at)
{
	uint32_t is = 0;

	if (!atomic_compare_exchange_strong(&l->word, &is, 1))
		return false;
	if (UD_DEBUG)
		lock_check_got(l, at);
	return true;
}

static inline void lock_drop_at(struct lock *l, const char *at)
{
	if (UD_DEBUG)
		lock_check_drop(l, at);
	if (atomic_exchange(&l->word, 0) == 2)
		sys_call6(__NR_futex, (long)&l->word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* In the child of a fork: whoever waited is gone. */
static inline void lock_reset(struct lock *l)
{
	atomic_store(&l->word, 0);
}

#endif
