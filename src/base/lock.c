/*
 * lock.c - debug builds: every lock is taken with signals blocked, and in the order of lock.h.
 *
 * app context. What a thread holds, and where it took it, stands in a list of its own.
 */
#include "lock.h"
#include "panic.h"

#include <signal.h>

#define HELD_MAX (UD_DEBUG ? 96 : 2) /* around a fork: those of all classes, and ten */

static __thread struct {
	uint32_t n;
	struct {
		const struct lock *lock;
		const char *at;
	} of[HELD_MAX];
} held;

void lock_check_wait(const struct lock *l, const char *at)
{
	for (uint32_t i = 0; i < held.n; i++) {
		const struct lock *h = held.of[i].lock;

		if (h == l)
			panic("%s takes a lock that it holds since %s", at, held.of[i].at);
		if (l->rank && (h->rank > l->rank || (h->rank == l->rank && h > l)))
			panic("lock order: %s takes one of rank %u under one of rank %u, taken by "
			      "%s",
				at, l->rank, h->rank, held.of[i].at);
	}
}

/* Tried only; and by a fork's child, whose thread-local storage may be missing yet. */
static bool unseen(const struct lock *l)
{
	return l->rank == LOCK_SPARE;
}

/* Else a handler could want what its own thread holds. A filter may forbid to look, and to block.
 */
static void check_section(const char *at)
{
	uint64_t mask;

	if (!sys_sigmask(SIG_BLOCK, NULL, &mask) && !(mask >> (SIGALRM - 1) & 1))
		panic("%s takes a lock outside of a section: a handler could wait for it for ever",
			at);
}

void lock_check_got(const struct lock *l, const char *at)
{
	if (unseen(l))
		return;
	check_section(at);
	if (held.n == HELD_MAX)
		panic("%s takes more locks than HELD_MAX", at);
	held.of[held.n].lock = l;
	held.of[held.n++].at = at;
}

void lock_check_drop(const struct lock *l, const char *at)
{
	if (unseen(l))
		return;
	for (uint32_t i = held.n; i-- > 0;)
		if (held.of[i].lock == l) {
			for (held.n--; i < held.n; i++)
				held.of[i] = held.of[i + 1];
			return;
		}
	panic("%s drops a lock that this thread does not hold", at);
}
