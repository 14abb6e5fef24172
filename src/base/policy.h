/*
 * policy.h - when a sweep is due, how many of the dead may wait, and which of them die first.
 *
 * pure: arithmetic on what it is told. Each number has the measurement that chose it.
 */
#ifndef UD_POLICY_H
#define UD_POLICY_H

#include "words.h"

/*
 * A sweep comes every quarter of a bound: what is left alone at three sweeps dies at the fourth, so
 * nothing waits longer than the bound, and no sweep has more than a quarter of it to look through.
 */
#define SWEEPS_A_BOUND 4

/*
 * What the threads do is looked at by time, not at every sweep: with sweeps so close that none saw
 * some threads take turns, fewer bytes could wait, and sweeps came closer still (b86548b).
 */
#define LOOK_NS (64UL * 1000 * 1000)

/*
 * A thread that allocates nothing between two looks sleeps. One that does may still have no use for
 * a size: after so many looks. Forty sleeping threads kept 120 of larson's 258 MB before (b86548b).
 */
#define LOOKS_STILL 8

/* The powers of the root of two that a kill can be worth. */
#define WORTHS 64

/*
 * So few dead bytes may always wait. With 8 MB, processes of some 60 MB held 8 to 14 MB more than
 * they need (b5125e0).
 */
#define WAITING_LEAST (4UL << 20)

/* In strict mode a sweep gives back what was killed already; else it is due by frees or bytes. */
bool policy_sweep_due(bool strict, uint64_t bound, uint64_t frees, int64_t waiting, size_t most);
/* By time. */
bool policy_sweep_late(uint64_t bound_ns, uint64_t ns);
/* Would what has waited for so many frees and so long be older than it may be, at the next sweep?
 */
bool policy_old(uint64_t bound, uint64_t frees, uint64_t bound_ns, uint64_t ns);

/* Do several threads free, if they took so many turns since the last look? */
bool policy_several(uint32_t turns);
/*
 * So many dead bytes may wait at most, in a heap of so many. grouped: objects that share a page die
 * together.
 */
size_t policy_waiting_limit(size_t heap, bool several, bool grouped);
/*
 * Or so many, where more lived lately: that memory the process had anyway, and who frees half of what it has
 * often allocates as much again.
 */
size_t policy_waiting_idle(size_t lived, size_t lives);
/* The most that lived lately, one look later. */
size_t policy_lived(size_t lived, size_t lives);
/*
 * What may wait from now on, at most `limit`, after so many might: kills among the living took so
 * much time between two sweeps. By any clock.
 */
size_t policy_waiting_tune(size_t wish, size_t limit, uint64_t kills, uint64_t between);

/* Of a kill in a view where so many bytes are due and so many units live on. */
unsigned policy_worth(uint64_t bytes, unsigned living);
/*
 * From which worth on views are to be cleaned, when waiting[] waits by worth and `most` may wait;
 * *left does then.
 */
unsigned policy_cut(const size_t waiting[WORTHS], size_t most, size_t *left);

/*
 * Do the pages of a size last? An eighth of them lived when the sheets that they are in were first cleaned, or died, of the
 * last thousand. With sheets of their own for what lasts git's log takes 1.65 times glibc's time instead of 2.0, python 1.13
 * instead of 1.49, and larson keeps 139 MB instead of 165; a half or a fourth is too late for git, and with a sixteenth
 * ruby kept 4 MB more.
 */
struct policy_lives {
	uint32_t died, lived; /* pages */
};
/* So many more did. */
bool policy_lasts(struct policy_lives *l, uint32_t died, uint32_t lived);

/* Are so many spent views or, grouped, sheets (by pages of addresses, and bytes) enough to kill them now? */
bool policy_spent_enough(bool grouped, uint32_t pages, size_t bytes);

/*
 * Units for a cursor's next view, after so many for this size, and so many that other cursors took
 * meanwhile; `all` are as many as there are.
 */
uint32_t policy_view_units(uint32_t views, uint64_t others, uint32_t all);

/*
 * Does fresh memory come by huge pages? A hypervisor that was told of free memory takes it away, and whole huge
 * pages of what is free are what it is told of: then one takes 4.4 ms to come, where 512 small ones, which come
 * from what was used lately, take 0.8 ms; else 0.17. One process sees both. So what huge ones took longer than
 * their small ones is owed, and each that comes by small ones pays a sixteenth of what these take: then those that
 * are tried cost no more than a sixteenth of all. Who moves such a one pays as much as the misses of its pages cost
 * him, so that a loop over its memory comes to have huge pages for good.
 *
 * Who loses the processor meanwhile takes long, too: so one counts as so many times its small ones at most, and so
 * many times what they take may be saved before.
 */
#define HUGE_SMALL 256 /* what its small ones take; in such parts is counted */
#define HUGE_MOST  (4 * HUGE_SMALL)
#define HUGE_SAVED (4 * HUGE_SMALL)
struct policy_huge {
	uint64_t small; /* ticks of a small page's first touch, the least; 0: none was seen */
	int64_t owed;
};
/* May the next be huge? */
bool policy_huge_next(const struct policy_huge *h);
/* The first touch of a page took so many ticks. */
void policy_huge_touched(struct policy_huge *h, bool huge, uint64_t ticks);
/* What came by small ones moved. */
void policy_huge_missed(struct policy_huge *h);

#endif
