/*
 * judge.h - which argument of a call was a dead block, so that the kernel failed or stopped there?
 *
 * app context, after the call: nothing is changed, no lock, no libc. A correct program may make
 * calls that fail with EFAULT (to learn what the kernel knows, or whether memory is there), with
 * arguments that the kernel does not look at. So an argument counts only if the call takes it, if
 * it cannot be read, and if no other argument would have made the call fail as well.
 */
#ifndef UD_JUDGE_H
#define UD_JUDGE_H

#include "report.h"

#include <asm/unistd.h>

/* What a call's arguments are: a row of syscalls.def, or of libc.def (below 0). */
#define JUDGE_AS(call)	 __NR_##call
#define JUDGE_LIBC(name) (-1 - LIBC_##name)
#define JUDGE_BY_NUMBER	 INT16_MIN /* syscall(2) */

/*
 * What a call that succeeded says how much of: bytes, or OUT_MESSAGES, how many. (recvmmsg's next
 * message may not have come: that says nothing.)
 */
enum judge_moves {
	NOTHING,
	IN_BUF,
	OUT_BUF,
	IN_VECTOR,
	OUT_VECTOR,
	IN_MESSAGE,
	OUT_MESSAGE,
	OUT_MESSAGES
};

/* It failed with EFAULT. True: *r says which argument is a dead block, and which block, and nothing else. */
bool judge_failed(int as, const long *arg, struct report *r);

/*
 * It moved `done` bytes, more than none: was it a dead block that ended it? The kernel answers
 * what it did before.
 */
bool judge_short(enum judge_moves moves, const long *arg, size_t done, struct report *r);

#endif
