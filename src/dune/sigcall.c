/*
 * sigcall.c - vmm context: the system calls about signals, and what is in force on the host.
 *
 * The host's masks mirror the program's, but for the synchronous signals, which the vmm itself
 * needs; the host's actions are ours wherever the program catches, and the program's own
 * otherwise, so that default actions, stopping and EINTR are the kernel's doing. SA_RESTART is
 * mirrored: whether a call is to be restarted shows in where the handler finds RIP.
 */
#include "page.h"
#include "signal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* What the host shall do with sig, given what the program asked for. */
long signal_host_action(int sig, const struct kernel_sigaction *act)
{
	struct kernel_sigaction k = {
		.handler = act->handler,
		.flags = (act->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART)) |
			 SA_RESTORER_BIT,
		.restorer = (uint64_t)(uintptr_t)host_restorer,
		.mask = ~0UL,
	};
	bool ours = act->handler > 1 || (SIG_SYNC & SIGBIT(sig)) ||
		    (act->handler == 0 && (SIGNAL_CORES & SIGBIT(sig)));

	if (ours) {
		k.handler = (uint64_t)(uintptr_t)host_signal;
		k.flags |= SA_SIGINFO | SA_ONSTACK;
	}
	return sys_call4(__NR_rt_sigaction, sig, (long)&k, 0, 8);
}

struct sighand *sighand_new(const struct sighand *from)
{
	long at = sys_mmap(
		0, sizeof(struct sighand), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct sighand *h = (struct sighand *)at;

	if (sys_is_err(at))
		return NULL;
	if (from)
		memcpy(h->action, from->action, sizeof(h->action));
	h->refs = 1;
	return h;
}

void sighand_drop(struct sighand *h)
{
	if (h && !__atomic_sub_fetch(&h->refs, 1, __ATOMIC_ACQ_REL))
		sys_munmap(vaddr_of(h), sizeof(*h));
}

int signal_init(struct thread *t)
{
	struct kernel_sigaction *act;
	uint64_t mask = 0;

	t->sighand = sighand_new(NULL);
	if (!t->sighand)
		return -ENOMEM;
	sys_sigmask(SIG_BLOCK, NULL, &mask);
	t->sigmask = mask;
	sys_call3(__NR_sigaltstack, 0, (long)&t->altstack, 0);
	if (t->altstack.ss_flags & SS_DISABLE)
		memset(&t->altstack, 0, sizeof(t->altstack));
	for (int sig = 1; sig <= 64; sig++) {
		act = &t->sighand->action[sig - 1];
		if ((SIG_UNBLOCKABLE & SIGBIT(sig)) ||
			sys_call4(__NR_rt_sigaction, sig, 0, (long)act, 8))
			continue;
		if (act->handler > 1 || ((SIG_SYNC | SIGNAL_CORES) & SIGBIT(sig)))
			signal_host_action(sig, act);
	}
	signal_mask_host(t->sigmask);
	return 0;
}

void signal_sync_ignored(struct thread *t, bool now)
{
	for (int sig = 1; sig < 32; sig++) {
		const struct kernel_sigaction *act = &t->sighand->action[sig - 1];

		if (!(SIG_SYNC & SIGBIT(sig)) || act->handler != 1)
			continue;
		if (now)
			sys_call4(__NR_rt_sigaction, sig, (long)act, 0, 8);
		else
			signal_host_action(sig, act);
	}
}

/* On the way out of Dune: what the program installed becomes true on the host. */
void signal_undo(struct thread *t)
{
	for (int sig = 1; sig <= 64; sig++)
		if (!(SIG_UNBLOCKABLE & SIGBIT(sig)))
			sys_call4(__NR_rt_sigaction, sig, (long)&t->sighand->action[sig - 1], 0, 8);
}

long signal_sys_action(struct thread *t, int sig, const void *act, void *old, size_t size)
{
	struct kernel_sigaction new, was;
	struct sighand *h = t->sighand;
	long err = 0;

	if (size != 8 || sig < 1 || sig > 64 || (act && (SIG_UNBLOCKABLE & SIGBIT(sig))))
		return -EINVAL;
	if (act && user_copy(&new, act, sizeof(new)))
		return -EFAULT;
	vm_lock(&h->lock);
	was = h->action[sig - 1];
	if (act) {
		new.mask &= ~(uint64_t)SIG_UNBLOCKABLE;
		new.flags &= SIGACTION_FLAGS;
		h->action[sig - 1] = new;
		err = signal_host_action(sig, &new);
	}
	vm_unlock(&h->lock);
	if (!err && act && new.handler == 1) /* ignoring a signal discards it where it waits */
		for (struct queued *q = t->queue; q < t->queue + SIG_QUEUE; q++)
			if (q->seq && q->info.si_signo == sig)
				q->seq = 0;
	signal_pending_update(t);
	if (!err && old && user_copy(old, &was, sizeof(was)))
		return -EFAULT;
	return err;
}

long signal_sys_procmask(struct thread *t, int how, const void *set, void *old, size_t size)
{
	uint64_t was = t->sigmask, mask;

	if (size != 8)
		return -EINVAL;
	if (set) {
		if (user_copy(&mask, set, sizeof(mask)))
			return -EFAULT;
		if (how == SIG_BLOCK)
			mask = was | mask;
		else if (how == SIG_UNBLOCK)
			mask = was & ~mask;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		signal_mask_set(t, mask);
	}
	if (old && user_copy(old, &was, sizeof(was)))
		return -EFAULT;
	return 0;
}

long signal_sys_altstack(struct thread *t, const void *ss, void *old)
{
	bool on = signal_on_altstack(t, thread_regs(t)->rsp);
	stack_t new, was = t->altstack;

	if (ss && user_copy(&new, ss, sizeof(new)))
		return -EFAULT;
	was.ss_flags = (was.ss_flags & ~SS_ONSTACK) |
		       (!was.ss_size ? SS_DISABLE : (on ? SS_ONSTACK : 0));
	if (ss) {
		int mode = new.ss_flags & 0x7fffffff;

		if (on)
			return -EPERM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == SS_DISABLE)
			memset(&new, 0, sizeof(new));
		else if (new.ss_size < 2048)
			return -ENOMEM;
		new.ss_flags &= ~(SS_ONSTACK | SS_DISABLE);
		t->altstack = new;
	}
	if (old && user_copy(old, &was, sizeof(was)))
		return -EFAULT;
	return 0;
}

static uint64_t queued_mask(const struct thread *t)
{
	uint64_t set = 0;

	for (const struct queued *q = t->queue; q < t->queue + SIG_QUEUE; q++)
		if (q->seq)
			set |= SIGBIT(q->info.si_signo);
	return set;
}

long signal_sys_pending(struct thread *t, void *set, size_t size)
{
	uint64_t pending = 0;
	long err;

	if (size > 8)
		return -EINVAL;
	err = sys_call3(__NR_rt_sigpending, (long)&pending, 8, 0);
	if (err)
		return err;
	pending |= queued_mask(t) & t->sigmask;
	return user_copy(set, &pending, size);
}

/* Of those that wait here for their unblocking: takes the first in set. 0: none. */
int signal_queue_take(struct thread *t, uint64_t set, siginfo_t *info)
{
	struct queued *q = signal_queue_next(t, ~set);
	int sig;

	if (!q)
		return 0;
	*info = q->info;
	sig = info->si_signo;
	q->seq = 0;
	signal_pending_update(t);
	return sig;
}
