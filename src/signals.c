/*
 * signals.c - see signals.h. app context; async-signal-safe, no lock.
 *
 * Owns the program's two actions. An action is immutable once published; replacing it publishes
 * another one from a ring, so that a handler that runs meanwhile reads a whole one.
 */
#include "signals.h"
#include "sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ucontext.h>

#define TAKEN  2  /* SIGSEGV, SIGBUS */
#define RING   64 /* replacements until a published action is overwritten */
#define NSIG_K 64

static const int sigs[TAKEN] = {SIGSEGV, SIGBUS};

/* glibc exports its own under this name as well, and never interposes it. */
extern int __sigaction(int, const struct sigaction *, struct sigaction *);

static struct sigaction ring[RING], initial[TAKEN];
static _Atomic unsigned ring_at;
static _Atomic(const struct sigaction *) program[TAKEN] = {&initial[0], &initial[1]};
static void (*_Atomic entry)(int, siginfo_t *, void *);

/* Bits of taken(): which of the two the program asked to block. Never blocked in truth. */
static _Atomic uint8_t hidden_mask[NSIG_K + 1]; /* in the sa_mask of each signal's action */
static __thread uint8_t blocked;		/* in this thread                         */
static __thread uint8_t pending;		/* sent while `blocked`                   */

static int taken(int sig)
{
	return sig == SIGSEGV ? 0 : sig == SIGBUS ? 1 : -1;
}

static unsigned long bits_of(uint8_t hidden)
{
	return (hidden & 1 ? 1UL << (SIGSEGV - 1) : 0) | (hidden & 2 ? 1UL << (SIGBUS - 1) : 0);
}

static uint8_t hidden_of(unsigned long mask)
{
	return (uint8_t)((mask >> (SIGSEGV - 1) & 1) | (mask >> (SIGBUS - 1) & 1) << 1);
}

#define TAKEN_BITS (1UL << (SIGSEGV - 1) | 1UL << (SIGBUS - 1))

/* The kernel's view of a sigset_t: its first 64 bits. */
#define LIBC_BITS (3UL << 31) /* 32 and 33 */

static unsigned long *word_of(sigset_t *s)
{
	return (unsigned long *)(void *)s;
}

static bool is_handler(const struct sigaction *a)
{
	return a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN;
}

static _Atomic bool has_altstack;
static _Atomic unsigned long hidden_onstack; /* bit sig - 1: the program set SA_ONSTACK */

static int shown_flags(int flags)
{
	return atomic_load(&has_altstack) ? flags : flags & ~SA_ONSTACK;
}

/* Registers our entry so that the kernel enters it as it would enter the program's handler. */
static int mirror(int sig, const struct sigaction *a)
{
	struct sigaction real = {.sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (is_handler(a)) {
		real.sa_mask = a->sa_mask;
		real.sa_flags = SA_SIGINFO | (a->sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
	}
	real.sa_sigaction = atomic_load(&entry);
	return __sigaction(sig, &real, NULL);
}

static void publish(int i, const struct sigaction *a)
{
	struct sigaction *copy = &ring[atomic_fetch_add(&ring_at, 1) % RING];

	*copy = *a;
	atomic_store_explicit(&program[i], copy, memory_order_release);
}

int signal_take(void (*e)(int, siginfo_t *, void *))
{
	unsigned long mask = 0;

	atomic_store(&entry, e);
	sys_call4(__NR_rt_sigprocmask, SIG_BLOCK, 0, (long)&mask, 8);
	if (mask & TAKEN_BITS) { /* blocked since before exec */
		blocked = hidden_of(mask);
		mask = TAKEN_BITS;
		sys_call4(__NR_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, 8);
	}
	for (int i = 0; i < TAKEN; i++) {
		struct sigaction old;

		if (__sigaction(sigs[i], NULL, &old))
			return -errno;
		publish(i, &old); /* ignored since before exec, or set by an earlier library */
		if (mirror(sigs[i], &old))
			return -errno;
	}
	return 0;
}

void signal_set_default(int sig)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};

	__sigaction(sig, &dfl, NULL);
}

void signal_exec(bool before)
{
	struct sigaction ign = {.sa_handler = SIG_IGN};

	for (int i = 0; i < TAKEN; i++) {
		const struct sigaction *a = atomic_load_explicit(&program[i], memory_order_acquire);
		int keep = errno;

		if (a->sa_handler != SIG_IGN || !atomic_load(&entry))
			continue;
		if (before)
			__sigaction(sigs[i], &ign, NULL);
		else
			mirror(sigs[i], a);
		errno = keep;
	}
}

/*
 * A fault of the instruction at hand, which will fault again; otherwise somebody sent the signal,
 * perhaps with the siginfo of a fault (crash handlers do), or it tells of broken memory elsewhere.
 */
static bool is_fault(const siginfo_t *si, const void *ucontext)
{
	const greg_t *g = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

	if (si->si_code <= 0 || (si->si_signo == SIGBUS && si->si_code == BUS_MCEERR_AO))
		return false;
	return si->si_code == SI_KERNEL || g[REG_TRAPNO] != 14 || !g[REG_CR2] ||
	       g[REG_CR2] == (greg_t)si->si_addr;
}

bool signal_is_fatal(int sig)
{
	int i = taken(sig);

	return !is_handler(atomic_load_explicit(&program[i], memory_order_acquire)) ||
	       (blocked & 1 << i);
}

/* Sent signals have no instruction to repeat: send it again. It arrives when the handler returns.
 */
static void send_again(int sig, siginfo_t *si)
{
	sys_call4(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), sig, (long)si);
}

void signal_deliver(int sig, siginfo_t *si, void *ucontext)
{
	static const struct sigaction dfl = {.sa_handler = SIG_DFL};
	int i = taken(sig);
	struct sigaction a = *atomic_load_explicit(&program[i], memory_order_acquire);

	if ((blocked & 1 << i) && !is_fault(si, ucontext)) {
		pending |= (uint8_t)(1 << i);
		return;
	}
	if (a.sa_handler == SIG_IGN && !is_fault(si, ucontext))
		return;
	if (signal_is_fatal(sig)) {
		signal_set_default(sig);
		if (!is_fault(si, ucontext))
			send_again(sig, si);
		return;
	}
	if (a.sa_flags & SA_RESETHAND)
		publish(i, &dfl);
	a.sa_sigaction(sig, si, ucontext);
}

void signal_altstack(void)
{
	if (atomic_exchange(&has_altstack, true))
		return;
	for (int sig = 1; sig <= NSIG_K; sig++) {
		struct sigaction a;
		int i = taken(sig);

		if (i >= 0 && atomic_load(&entry)) {
			mirror(sig, atomic_load_explicit(&program[i], memory_order_acquire));
		} else if (hidden_onstack >> (sig - 1) & 1 && __sigaction(sig, NULL, &a) == 0) {
			a.sa_flags |= SA_ONSTACK;
			__sigaction(sig, &a, NULL);
		}
	}
}

/*
 * Our two signals are taken out of the mask of every handler, SA_ONSTACK out of the flags while
 * the program has no alternate stack; both are shown when it asks.
 */
static int set_other(int sig, const struct sigaction *act, struct sigaction *old)
{
	unsigned long bit = sig > 0 && sig <= NSIG_K ? 1UL << (sig - 1) : 0;
	uint8_t before = bit ? atomic_load(&hidden_mask[sig]) : 0;
	bool onstack = hidden_onstack & bit;
	struct sigaction copy;
	int r;

	if (act && bit) {
		copy = *act;
		copy.sa_flags = shown_flags(copy.sa_flags);
		*word_of(&copy.sa_mask) &= ~TAKEN_BITS;
		r = __sigaction(sig, &copy, old);
		if (r == 0) {
			atomic_store(
				&hidden_mask[sig], hidden_of(*word_of((sigset_t *)&act->sa_mask)));
			if (act->sa_flags & SA_ONSTACK)
				atomic_fetch_or(&hidden_onstack, bit);
			else
				atomic_fetch_and(&hidden_onstack, ~bit);
		}
	} else {
		r = __sigaction(sig, act, old);
	}
	if (r == 0 && old) {
		*word_of(&old->sa_mask) |= bits_of(before);
		old->sa_flags |= onstack ? SA_ONSTACK : 0;
	}
	return r;
}

/*
 * Go's runtime asks the kernel, not libc, for the alternate stack: it finds ours there and takes
 * it, or sets its own, and a handler that is not on it ends the process. Its handlers show by
 * these flags and by a mask of everything.
 */
static bool is_of_go(const struct sigaction *a)
{
	const int flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigset_t mask = a->sa_mask;

	return (a->sa_flags & flags) == flags && (*word_of(&mask) | LIBC_BITS) == ~0UL;
}

UD_EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	int i = taken(sig);
	struct sigaction next, before;

	if (act && is_of_go(act))
		signal_altstack();
	if (i < 0 || !atomic_load_explicit(&entry, memory_order_relaxed))
		return set_other(sig, act, old);
	before = *atomic_load_explicit(&program[i], memory_order_acquire);
	if (act) {
		next = *act;
		publish(i, &next);
		mirror(sig, &next);
		if (next.sa_handler == SIG_IGN)
			pending &= (uint8_t) ~(1 << i);
	}
	if (old)
		*old = before;
	return 0;
}

/* 32 and 33 are glibc's own (cancellation, setxid): its sigprocmask never blocks them either. */

static void send_pending(uint8_t which)
{
	for (int i = 0; i < TAKEN; i++) {
		if (!(which & 1 << i))
			continue;
		pending &= (uint8_t) ~(1 << i);
		sys_call3(__NR_tgkill, sys_getpid(), sys_gettid(), sigs[i]);
	}
}

static long set_mask(int how, const sigset_t *set, sigset_t *old)
{
	uint8_t before = blocked;
	unsigned long mask = 0, was;
	long r;

	if (set)
		mask = *word_of((sigset_t *)set);
	if (set && how != SIG_UNBLOCK)
		mask &= ~(TAKEN_BITS | LIBC_BITS);
	r = sys_call4(__NR_rt_sigprocmask, how, set ? (long)&mask : 0, old ? (long)&was : 0, 8);
	if (r < 0)
		return r;
	if (set) {
		uint8_t bits = hidden_of(*word_of((sigset_t *)set));

		blocked = how == SIG_SETMASK ? bits
			  : how == SIG_BLOCK ? blocked | bits
					     : blocked & (uint8_t)~bits;
	}
	if (old) {
		sigemptyset(old);
		*word_of(old) = was | bits_of(before);
	}
	if (unlikely(pending & ~blocked))
		send_pending(pending & (uint8_t)~blocked);
	return 0;
}

UD_EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return (int)-set_mask(how, set, old);
}

UD_EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	long r = set_mask(how, set, old);

	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return 0;
}

UD_EXPORT int sigsuspend(const sigset_t *set)
{
	static int (*next)(const sigset_t *);
	sigset_t copy = *set;

	if (!next)
		next = (int (*)(const sigset_t *))dlsym(RTLD_NEXT, "sigsuspend");
	*word_of(&copy) &= ~TAKEN_BITS;
	return next(&copy);
}
