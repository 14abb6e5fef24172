/*
 * signals_old.c - signal(3), System V's and BSD's signal functions, over sigaction and sigprocmask.
 *
 * app context; async-signal-safe. They are here, with glibc's semantics, because libc's own would
 * call libc's own sigaction, and our handlers of SIGSEGV and SIGBUS would be gone.
 */
#include "base/base.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <stdatomic.h>

#define NSIG_K 64

static _Atomic unsigned long interrupting; /* siginterrupt(3): no SA_RESTART for these */

static sighandler_t set_handler(int sig, sighandler_t h, int flags, bool mask_self)
{
	struct sigaction act = {.sa_handler = h, .sa_flags = flags}, old;

	if (h == SIG_ERR || sig < 1 || sig > NSIG_K) {
		errno = EINVAL;
		return SIG_ERR;
	}
	if (mask_self)
		sigaddset(&act.sa_mask, sig);
	return sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

UD_EXPORT sighandler_t signal(int sig, sighandler_t h)
{
	bool restart = sig < 1 || sig > NSIG_K || !(interrupting >> (sig - 1) & 1);

	return set_handler(sig, h, restart ? SA_RESTART : 0, true);
}

UD_EXPORT sighandler_t bsd_signal(int sig, sighandler_t h)
	__attribute__((alias("signal"), nothrow, leaf));
UD_EXPORT sighandler_t ssignal(int sig, sighandler_t h)
	__attribute__((alias("signal"), nothrow, leaf));

UD_EXPORT sighandler_t __sysv_signal(int sig, sighandler_t h)
{
	return set_handler(sig, h, (int)(SA_RESETHAND | SA_NODEFER), false);
}

UD_EXPORT sighandler_t sysv_signal(int sig, sighandler_t h)
	__attribute__((alias("__sysv_signal"), nothrow, leaf));

UD_EXPORT int siginterrupt(int sig, int on)
{
	struct sigaction act;

	if (sigaction(sig, NULL, &act) < 0)
		return -1;
	if (on) {
		atomic_fetch_or(&interrupting, 1UL << (sig - 1));
		act.sa_flags &= ~SA_RESTART;
	} else {
		atomic_fetch_and(&interrupting, ~(1UL << (sig - 1)));
		act.sa_flags |= SA_RESTART;
	}
	return sigaction(sig, &act, NULL);
}

static sigset_t only(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}

static bool valid(int sig)
{
	if (sig >= 1 && sig <= NSIG_K)
		return true;
	errno = EINVAL;
	return false;
}

UD_EXPORT int sighold(int sig)
{
	sigset_t s = only(sig);

	return valid(sig) ? sigprocmask(SIG_BLOCK, &s, NULL) : -1;
}

UD_EXPORT int sigrelse(int sig)
{
	sigset_t s = only(sig);

	return valid(sig) ? sigprocmask(SIG_UNBLOCK, &s, NULL) : -1;
}

UD_EXPORT int sigignore(int sig)
{
	struct sigaction act = {.sa_handler = SIG_IGN};

	return sigaction(sig, &act, NULL);
}

UD_EXPORT sighandler_t sigset(int sig, sighandler_t h)
{
	struct sigaction act = {.sa_handler = h}, old;
	sigset_t s = only(sig), before;

	if (!valid(sig))
		return SIG_ERR;
	if (sigaction(sig, h == SIG_HOLD ? NULL : &act, &old) < 0)
		return SIG_ERR;
	sigprocmask(h == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, &s, &before);
	return sigismember(&before, sig) == 1 ? SIG_HOLD : old.sa_handler;
}

/* BSD's: a mask is an int, a bit for each of the first signals. */

int __sigpause(int sig_or_mask, int is_sig);
int __xpg_sigpause(int sig);
int siggetmask(void);

static sigset_t set_of(int mask)
{
	unsigned long bits = (unsigned)mask;
	sigset_t s;

	sigemptyset(&s);
	memcpy(&s, &bits, sizeof(bits));
	return s;
}

static int change_mask(int how, int mask)
{
	sigset_t s = set_of(mask), old;
	int was;

	if (sigprocmask(how, &s, &old) < 0)
		return -1;
	memcpy(&was, &old, sizeof(was));
	return was;
}

UD_EXPORT int sigblock(int mask)
{
	return change_mask(SIG_BLOCK, mask);
}

UD_EXPORT int sigsetmask(int mask)
{
	return change_mask(SIG_SETMASK, mask);
}

UD_EXPORT int siggetmask(void)
{
	return change_mask(SIG_BLOCK, 0);
}

UD_EXPORT int __sigpause(int sig_or_mask, int is_sig)
{
	sigset_t s = set_of(sig_or_mask);

	if (is_sig) {
		sigset_t one = only(sig_or_mask);
		unsigned long now, bit;

		if (!valid(sig_or_mask) || sigprocmask(SIG_BLOCK, NULL, &s) < 0)
			return -1;
		memcpy(&now, &s, sizeof(now));
		memcpy(&bit, &one, sizeof(bit));
		now &= ~bit;
		memcpy(&s, &now, sizeof(now));
	}
	return sigsuspend(&s);
}

/* With one underscore less it is BSD's, whatever a program's headers make of the name. */
#undef sigpause
UD_EXPORT int ud_sigpause(int mask) __asm__("sigpause");
UD_EXPORT int ud_sigpause(int mask)
{
	return __sigpause(mask, 0);
}

UD_EXPORT int __xpg_sigpause(int sig)
{
	return __sigpause(sig, 1);
}
