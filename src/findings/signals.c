/*
 * signals.c - see signals.h. app context; async-signal-safe, no lock.
 *
 * Owns the program's two actions. An action is immutable once published; replacing it publishes
 * another one from a ring, so that a handler that runs meanwhile reads a whole one.
 */
#include "signals.h"
#include "base/base.h"
#include "trace/trace.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ucontext.h>

#define TAKEN  2  /* SIGSEGV, SIGBUS */
#define RING   64 /* replacements until a published action is overwritten */
#define NSIG_K 64

#define TRAP_PAGE_FAULT 14
#define TRAP_ALIGNMENT	17
#define TRAP_CONTROL	21

static const int sigs[TAKEN] = {SIGSEGV, SIGBUS};

/* glibc exports its own under this name as well, and never interposes it. */
extern int __sigaction(int, const struct sigaction *, struct sigaction *);

static struct sigaction ring[RING] UD_TABLE, initial[TAKEN];
static _Atomic unsigned ring_at;
static _Atomic(const struct sigaction *) program[TAKEN] = {&initial[0], &initial[1]};
static void (*_Atomic entry)(int, siginfo_t *, void *);

/* Bits of taken(): which of the two the program asked to block, and the kernel does not. */
static _Atomic uint8_t
	hidden_mask[NSIG_K + 1] UD_ALWAYS; /* in the sa_mask of each signal's action */
static __thread uint8_t blocked;	   /* in this thread                         */
static __thread unsigned long with;	   /* other signals in the kernel's mask since then  */

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
#define LIBC_BITS  (3UL << 31) /* 32 and 33 */
#define NEVER_BITS (1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1))

static unsigned long *word_of(sigset_t *s)
{
	return (unsigned long *)(void *)s;
}

static bool is_handler(const struct sigaction *a)
{
	return a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN;
}

static _Atomic bool has_altstack UD_ALWAYS;
static _Atomic unsigned long hidden_onstack UD_ALWAYS; /* bit sig - 1: the program set SA_ONSTACK */

static int shown_flags(int flags)
{
	return atomic_load(&has_altstack) ? flags : flags & ~SA_ONSTACK;
}

/* Registers our entry so that the kernel enters it as it would the program's handler; *old: what was there, or NULL. */
static void mirror(int sig, const struct sigaction *a, struct sigaction *old)
{
	/* Without a handler of the program's no call of its is interrupted. */
	struct sigaction real = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	if (is_handler(a)) {
		real.sa_mask = a->sa_mask;
		real.sa_flags = SA_SIGINFO | (a->sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
	}
	real.sa_sigaction = atomic_load(&entry);
	__sigaction(sig, &real, old);
}

static void publish(int i, const struct sigaction *a)
{
	struct sigaction *copy = &ring[atomic_fetch_add(&ring_at, 1) % RING];

	*copy = *a;
	atomic_store_explicit(&program[i], copy, memory_order_release);
}

static unsigned long kernel_mask(void)
{
	unsigned long mask = 0;

	sys_sigmask(SIG_BLOCK, NULL, &mask);
	return mask;
}

void signal_set_default(int sig)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};

	__sigaction(sig, &dfl, NULL);
}

/* On return it dies of the next one. */
static void die_of(int sig)
{
	if (block_source->dying)
		block_source->dying();
	signal_set_default(sig);
}

/*
 * Sent signals have no instruction to repeat: send it again. It arrives when the handler returns,
 * or, if it was sent to the process, in another thread that does not block it.
 */
static void send_again(int sig, siginfo_t *si)
{
	bool all = si->si_code == SI_USER || si->si_code == SI_QUEUE;
	long r = all ? sys_call3(__NR_rt_sigqueueinfo, sys_getpid(), sig, (long)si)
		     : sys_call4(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), sig, (long)si);

	if (r < 0) /* a filter allows what libc's abort() does */
		sys_call3(__NR_tgkill, sys_getpid(), sys_gettid(), sig);
}

static void die_of_sent(int sig, siginfo_t *si, void *ucontext)
{
	die_of(sig);
	/* What sigsuspend goes back to may block it. */
	*word_of(&((ucontext_t *)ucontext)->uc_sigmask) &= ~(1UL << (sig - 1));
	send_again(sig, si);
}

/*
 * SIGABRT is taken while its action is the default one, which the program still sees: who dies of it
 * leaves a core.
 */
static void abort_take(void)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	a.sa_sigaction = die_of_sent;
	if (block_source->dying)
		__sigaction(SIGABRT, &a, NULL);
}

static void abort_init(void)
{
	struct sigaction a;

	if (block_source->dying && __sigaction(SIGABRT, NULL, &a) == 0 && a.sa_handler == SIG_DFL)
		abort_take();
}

/* *old as the program knows it; what it has set is the default action. */
static void abort_seen(const struct sigaction *act, struct sigaction *old)
{
	if (old && old->sa_sigaction == die_of_sent)
		*old = (struct sigaction){.sa_handler = SIG_DFL};
	if (act && act->sa_handler == SIG_DFL)
		abort_take();
}

void signal_take(void (*e)(int, siginfo_t *, void *))
{
	unsigned long mask = kernel_mask();

	atomic_store(&entry, e);
	blocked = hidden_of(mask); /* since before exec */
	for (int i = 0; i < TAKEN; i++) {
		struct sigaction old;

		mirror(sigs[i], &initial[i], &old);
		if (old.sa_handler !=
			SIG_DFL) /* ignored since before exec, or of an earlier library */
			publish(i, &old);
		if (is_handler(&old))
			mirror(sigs[i], &old, NULL);
	}
	abort_init();
	if (mask & TAKEN_BITS) { /* what waits comes in now, and is held again */
		mask = TAKEN_BITS;
		sys_sigmask(SIG_UNBLOCK, &mask, NULL);
	}
}

void signal_exec(bool before)
{
	struct sigaction ign = {.sa_handler = SIG_IGN};
	unsigned long bits = bits_of(blocked);

	if (bits)
		sys_sigmask(before ? SIG_BLOCK : SIG_UNBLOCK, &bits, NULL);
	for (int i = 0; i < TAKEN; i++) {
		const struct sigaction *a = atomic_load_explicit(&program[i], memory_order_acquire);
		int keep = errno;

		if (a->sa_handler != SIG_IGN || !atomic_load(&entry))
			continue;
		if (before)
			__sigaction(sigs[i], &ign, NULL);
		else
			mirror(sigs[i], a, NULL);
		errno = keep;
	}
}

bool signal_is_fault(const siginfo_t *si, const void *ucontext)
{
	const greg_t *g = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

	if (si->si_code <= 0 || (si->si_signo == SIGBUS && si->si_code == BUS_MCEERR_AO))
		return false;
	if (si->si_code == SI_KERNEL || (si->si_signo == SIGBUS && si->si_code == BUS_MCEERR_AR))
		return true;
	/* The thread's last trap, perhaps long ago; all others come with SI_KERNEL. */
	switch (g[REG_TRAPNO]) {
	case TRAP_PAGE_FAULT:
		return !g[REG_CR2] || g[REG_CR2] == (greg_t)si->si_addr;
	case TRAP_ALIGNMENT:
	case TRAP_CONTROL:
		return true;
	}
	return false;
}

/* The end of a handler, or a jump, takes masks back and does not ask us. */
static void mask_seen(unsigned long mask)
{
	if (with & ~mask)
		blocked = 0;
}

void signal_arrived(const void *ucontext)
{
	sigset_t mask = ((const ucontext_t *)ucontext)->uc_sigmask;

	mask_seen(*word_of(&mask));
}

bool signal_is_fatal(int sig)
{
	int i = taken(sig);

	return !is_handler(atomic_load_explicit(&program[i], memory_order_acquire)) ||
	       (blocked & 1 << i);
}

/*
 * What the program blocks waits in the kernel, where it can be asked for and waited for; so from
 * here on the kernel blocks it too. A fault comes again, and ends the process as it would have.
 */
static void hold(int sig, siginfo_t *si, ucontext_t *uc)
{
	unsigned long bit = 1UL << (sig - 1);

	sys_sigmask(SIG_BLOCK, &bit, NULL);
	*word_of(&uc->uc_sigmask) |= bit;
	send_again(sig, si);
}

void signal_deliver(int sig, siginfo_t *si, void *ucontext)
{
	int i = taken(sig);
	struct sigaction dfl, a = *atomic_load_explicit(&program[i], memory_order_acquire);

	if (blocked & 1 << i) {
		hold(sig, si, ucontext);
		return;
	}
	if (a.sa_handler == SIG_IGN && !signal_is_fault(si, ucontext))
		return;
	if (signal_is_fatal(sig)) {
		if (signal_is_fault(si, ucontext))
			die_of(sig);
		else
			die_of_sent(sig, si, ucontext);
		return;
	}
	if (a.sa_flags & SA_RESETHAND) {
		dfl = a;
		dfl.sa_handler = SIG_DFL;
		publish(i, &dfl);
	}
	a.sa_sigaction(sig, si, ucontext);
}

/*
 * The program has an alternate stack: from now on SA_ONSTACK is shown to the kernel. (Until then
 * its handlers would have run on a stack of ours that it does not know of: altstack.h.)
 */
static void altstack_is_there(void)
{
	if (atomic_exchange(&has_altstack, true))
		return;
	for (int sig = 1; sig <= NSIG_K; sig++) {
		struct sigaction a;
		int i = taken(sig);

		if (i >= 0 && atomic_load(&entry)) {
			mirror(sig, atomic_load_explicit(&program[i], memory_order_acquire), NULL);
		} else if (hidden_onstack >> (sig - 1) & 1 && __sigaction(sig, NULL, &a) == 0) {
			a.sa_flags |= SA_ONSTACK;
			__sigaction(sig, &a, NULL);
		}
	}
}

UD_EXPORT int sigaltstack(const stack_t *ss, stack_t *old)
{
	long r = ss && altstack_mine && !stack_probe(vaddr_of(ss)) ? -EFAULT
								   : altstack_set(ss, old);

	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	if (ss && !(ss->ss_flags & SS_DISABLE))
		altstack_is_there();
	return 0;
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
	if (r == 0 && sig == SIGABRT)
		abort_seen(act, old);
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

/* What waits for this thread, or for any, is ignored. */
static void forget_pending(int sig)
{
	const struct timespec now = {0};
	unsigned long bit = 1UL << (sig - 1);

	while (sys_call4(__NR_rt_sigtimedwait, (long)&bit, 0, (long)&now, 8) == sig)
		;
}

UD_EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	int i = taken(sig);
	struct sigaction next, before;

	if (act && is_of_go(act))
		altstack_is_there();
	if (i < 0 || !atomic_load_explicit(&entry, memory_order_relaxed))
		return set_other(sig, act, old);
	before = *atomic_load_explicit(&program[i], memory_order_acquire);
	if (act) {
		next = *act;
		next.sa_flags &= (int)SIGACTION_FLAGS;
		*word_of(&next.sa_mask) &= ~NEVER_BITS;
		publish(i, &next);
		mirror(sig, &next, NULL);
		if (next.sa_handler == SIG_IGN)
			forget_pending(sig);
	}
	if (old)
		*old = before;
	return 0;
}

/* 32 and 33 are glibc's own (cancellation, setxid): its sigprocmask never blocks them either. */

static long set_mask(int how, const sigset_t *set, sigset_t *old)
{
	unsigned long mask = set ? *word_of((sigset_t *)set) : 0, was = 0;
	uint8_t bits = hidden_of(mask), before;
	long r;

	if (blocked || (bits && how == SIG_SETMASK)) {
		was = kernel_mask();
		mask_seen(was);
	}
	before = blocked;
	/* Of our two, what the kernel blocks already stays so: in a handler, or by hold. */
	if (how != SIG_UNBLOCK)
		mask &= ~(LIBC_BITS | (TAKEN_BITS & ~was));
	if (set && how != SIG_BLOCK) /* what waits arrives within the call that opens */
		blocked = before & (uint8_t)(how == SIG_SETMASK ? bits : ~bits);
	r = sys_sigmask(how, set ? &mask : NULL, &was);
	if (r < 0) {
		blocked = before;
		return r;
	}
	if (old) {
		sigemptyset(old);
		*word_of(old) = was | bits_of(before);
	}
	if (set && how != SIG_UNBLOCK)
		blocked |= bits & (uint8_t)~hidden_of(was);
	if (set && how != SIG_SETMASK)
		mask = how == SIG_BLOCK ? was | mask : was & ~mask;
	if (set)
		with = (before ? with : ~NEVER_BITS) & mask;
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
	uint8_t before = blocked;
	sigset_t copy = *set;
	int r;

	if (!next)
		next = (int (*)(const sigset_t *))symtab_next("sigsuspend");
	blocked &= hidden_of(*word_of(&copy));
	*word_of(&copy) &= ~(TAKEN_BITS & ~kernel_mask());
	r = next(&copy);
	blocked = before;
	return r;
}
