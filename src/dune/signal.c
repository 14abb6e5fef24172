/*
 * signal.c - vmm context: queue, frames, sigreturn.
 *
 * The host's handler only queues and blocks everything in the interrupted mask; the loop then
 * builds the program's frame and sets the mask that the program shall have. Each unblocking
 * lets at most one more signal in, so the queue is bounded. A queued signal that the program
 * has blocked meanwhile waits here. Breaks if anything but the handler fills the queue.
 */
#include "signal.h"
#include "hooks.h"
#include "base/base.h"

#include <errno.h>
#include <string.h>

#define SIG_STOPS   (SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU) | SIGBIT(SIGSTOP))
#define SIG_IGNORED (SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH))

#define RFLAGS_HANDLER_CLEAR 0x10500UL /* RF DF TF */
#define SS_AUTODISARM_BIT    (1U << 31)

extern const char user_copy_start[], user_copy_end[], user_copy_fault[];
extern const char host_window_start[], host_window_end[], host_window_abort[];
extern const char host_eject_back[];

void signal_mask_host(uint64_t mask)
{
	mask = signal_host_mask(mask);
	sys_sigmask(SIG_SETMASK, &mask, NULL);
}

static void enqueue(struct thread *t, const siginfo_t *info)
{
	struct queued *end = t->queue + SIG_QUEUE;

	if (info->si_signo < 32) /* standard signals do not queue */
		for (struct queued *q = t->queue; q < end; q++)
			if (q->seq && q->info.si_signo == info->si_signo)
				return;
	for (struct queued *q = t->queue; q < end; q++)
		if (!q->seq) {
			q->info = *info;
			q->seq = ++t->sig_seq ? t->sig_seq : ++t->sig_seq;
			return;
		}
	panic("dune: signal queue full (signal %d)", info->si_signo);
}

/* The oldest entry that mask lets through, or NULL. */
struct queued *signal_queue_next(struct thread *t, uint64_t mask)
{
	struct queued *best = NULL;

	for (struct queued *q = t->queue; q < t->queue + SIG_QUEUE; q++)
		if (q->seq && !(mask & SIGBIT(q->info.si_signo)) &&
			(!best || (int32_t)(q->seq - best->seq) < 0))
			best = q;
	return best;
}

void signal_pending_update(struct thread *t)
{
	t->has_sig = signal_queue_next(t, t->sigmask) != NULL;
}

bool signal_pending(const struct thread *t)
{
	return t->has_sig || t->run->immediate_exit;
}

/* Back from one instruction on the host: takes its registers, returns to the vmm. */
static void eject_end(struct thread *t, const siginfo_t *si, struct kernel_ucontext *uc)
{
	bool stepped = si->si_signo == SIGTRAP && si->si_code != SI_KERNEL;

	regs_from_sigctx(thread_regs(t), &uc->mc);
	thread_regs(t)->rflags = uc->mc.rflags;
	t->eject.sig = stepped ? 0 : si->si_signo;
	t->eject.info = *si;
	t->eject.err = uc->mc.err;
	t->eject.trapno = uc->mc.trapno;
	t->eject.cr2 = uc->mc.cr2;
	if (stepped)
		memcpy(t->xsave, vaddr_ptr(uc->mc.fpstate), vm.xsave_size);
	else
		thread_regs(t)->rflags &= ~0x100UL;
	t->eject.active = 0;
	uc->mc.rip = (uint64_t)(uintptr_t)host_eject_back;
	uc->mc.rsp = t->eject.rsp;
	uc->mc.rflags = 0x202;
	uc->sigmask = t->eject.mask;
}

static bool between(uint64_t x, const char *lo, const char *hi)
{
	return x >= (uint64_t)(uintptr_t)lo && x < (uint64_t)(uintptr_t)hi;
}

/* The host's handler for every signal that the program catches, and the synchronous ones. */
void host_signal(int sig, siginfo_t *si, void *ucv)
{
	struct thread *t = (struct thread *)ALIGN_DOWN(
		(uintptr_t)__builtin_frame_address(0), THREAD_ALIGN);
	struct kernel_ucontext *uc = ucv;

	if ((SIG_SYNC & SIGBIT(sig)) && si->si_code > 0) {
		if (t->eject.active) {
			eject_end(t, si, uc);
			return;
		}
		if (between(uc->mc.rip, user_copy_start, user_copy_end)) {
			uc->mc.rip = (uint64_t)(uintptr_t)user_copy_fault;
			return;
		}
		if (sig == SIGBUS && si->si_code == BUS_MCEERR_AR) {
			t->poison = 1;
			return;
		}
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE)
			panic("dune: signal %d in the vmm: address 0x%lx rip 0x%lx rsp 0x%lx", sig,
				(unsigned long)si->si_addr, uc->mc.rip, uc->mc.rsp);
	}
	enqueue(t, si);
	if (t->sigmask & SIGBIT(sig))
		return; /* looked at when the mask changes */
	t->has_sig = 1;
	t->run->immediate_exit = 1;
	uc->sigmask = ~(uint64_t)SIG_SYNC;
	if (between(uc->mc.rip, host_window_start, host_window_end))
		uc->mc.rip = (uint64_t)(uintptr_t)host_window_abort;
}

bool signal_on_altstack(const struct thread *t, uint64_t rsp)
{
	uint64_t lo = (uint64_t)(uintptr_t)t->altstack.ss_sp;

	return !(t->altstack.ss_flags & (int)SS_AUTODISARM_BIT) && rsp > lo &&
	       rsp - lo <= t->altstack.ss_size;
}

static void fpu_initial(struct thread *t)
{
	panic_if(vcpu_fpu_reset(t, 0x37f, 0x1f80), "dune: KVM_SET_XSAVE failed");
}

/* The kernel's setup_rt_frame. 0 or -EFAULT: no stack to put it on. */
static int frame_build(struct thread *t, int sig, const siginfo_t *info,
	const struct kernel_sigaction *act, uint64_t oldmask)
{
	struct kvm_regs *r = thread_regs(t);
	struct sigframe f;
	uint64_t sp = r->rsp - RED_ZONE, fp;
	bool alt = (act->flags & SA_ONSTACK) && t->altstack.ss_size &&
		   !signal_on_altstack(t, r->rsp);

	if (alt)
		sp = (uint64_t)(uintptr_t)t->altstack.ss_sp + t->altstack.ss_size;
	panic_if(vcpu_fpu_get(t), "dune: KVM_GET_XSAVE failed");
	/* The kernel shows x87 and SSE even if they are as after reset: a handler may edit them
	 * there. */
	t->xsave[512] |= 3;
	sigframe_xsave_seal(t->xsave);
	fp = ALIGN_DOWN(sp - vm.xsave_size - SIGFRAME_MAGIC2_SIZE, 64UL);
	sp = ALIGN_DOWN(fp - sizeof(f), 16UL) - 8;
	memset(&f, 0, sizeof(f));
	f.pretcode = act->restorer;
	f.uc.flags = 7;
	f.uc.stack = t->altstack;
	if (!t->altstack.ss_size)
		f.uc.stack.ss_flags = SS_DISABLE;
	else if (signal_on_altstack(t, r->rsp))
		f.uc.stack.ss_flags |= SS_ONSTACK;
	sigctx_from_regs(&f.uc.mc, r);
	f.uc.mc.cs = 0x33;
	f.uc.mc.ss = 0x2b;
	f.uc.mc.fpstate = fp;
	if ((SIG_SYNC & SIGBIT(sig)) && info->si_code > 0) {
		f.uc.mc.err = t->eject.err;
		f.uc.mc.trapno = t->eject.trapno;
		f.uc.mc.cr2 = t->eject.cr2;
	}
	f.uc.sigmask = oldmask;
	f.info = *info;
	if (guest_write(fp, t->xsave, vm.xsave_size + SIGFRAME_MAGIC2_SIZE) ||
		guest_write(sp, &f, sizeof(f)))
		return -EFAULT;
	if (t->altstack.ss_flags & (int)SS_AUTODISARM_BIT)
		memset(&t->altstack, 0, sizeof(t->altstack));
	r->rdi = (uint64_t)sig;
	r->rsi = sp + offsetof(struct sigframe, info);
	r->rdx = sp + offsetof(struct sigframe, uc);
	r->rax = 0;
	r->rsp = sp;
	r->rip = act->handler;
	r->rflags &= ~RFLAGS_HANDLER_CLEAR;
	regs_dirty(t);
	fpu_initial(t);
	return 0;
}

/* Takes the action for sig as it is now; SA_RESETHAND resets it. */
static struct kernel_sigaction action_take(struct thread *t, int sig)
{
	struct sighand *h = t->sighand;
	struct kernel_sigaction act;

	vm_lock(&h->lock);
	act = h->action[sig - 1];
	if (act.handler > 1 && (act.flags & SA_RESETHAND)) {
		h->action[sig - 1].handler = 0;
		signal_host_action(sig, &h->action[sig - 1]);
	}
	vm_unlock(&h->lock);
	return act;
}

/* What the kernel says of a frame that cannot be written, or is none. */
static const siginfo_t no_frame = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};

static void handler_enter(
	struct thread *t, int sig, const siginfo_t *info, const struct kernel_sigaction *act)
{
	uint64_t old = t->has_temp ? t->orig_mask : t->sigmask;

	t->n.signals++;
	if (frame_build(t, sig, info, act, old))
		signal_die(t, SIGSEGV, &no_frame);
	t->has_temp = false;
	t->sigmask |= act->mask;
	if (!(act->flags & SA_NODEFER))
		t->sigmask |= SIGBIT(sig);
	t->sigmask &= ~(uint64_t)SIG_UNBLOCKABLE;
}

void signal_die(struct thread *t, int sig, const siginfo_t *info)
{
	struct kernel_sigaction dfl = {
		.flags = SA_RESTORER_BIT, .restorer = (uint64_t)(uintptr_t)host_restorer};
	siginfo_t copy = *info;

	if (dune_hooks.die)
		dune_hooks.die(t, info);
	signal_mask_block();
	sys_call4(__NR_rt_sigaction, sig, (long)&dfl, 0, 8);
	sys_call4(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), sig, (long)&copy);
	native_leave(t, ~SIGBIT(sig));
}

/* One asynchronous signal out of the queue. */
static void deliver_one(struct thread *t, const siginfo_t *info)
{
	int sig = info->si_signo;
	struct kernel_sigaction act = action_take(t, sig);

	if (act.handler > 1)
		handler_enter(t, sig, info, &act);
	else if (act.handler == 0 && !(SIG_IGNORED & SIGBIT(sig)) && !(SIG_STOPS & SIGBIT(sig)))
		signal_die(t, sig, info);
	else if (act.handler == 0 && (SIG_STOPS & SIGBIT(sig)))
		sys_call3(__NR_tgkill, sys_getpid(), sys_gettid(), SIGSTOP);
}

void signal_frames(struct thread *t)
{
	struct queued *q;
	siginfo_t info;

	for (;;) {
		t->run->immediate_exit = 0;
		while ((q = signal_queue_next(t, t->sigmask))) {
			info = q->info;
			__atomic_signal_fence(
				__ATOMIC_SEQ_CST); /* copied before the slot is free */
			q->seq = 0;
			deliver_one(t, &info);
		}
		if (t->has_temp) {
			t->has_temp = false;
			t->sigmask = t->orig_mask;
		}
		t->has_sig = 0;
		signal_mask_host(t->sigmask);
		if (!signal_queue_next(t, t->sigmask))
			return;
	}
}

/* After a frame: the mask of its handler, and what that one leaves pending. */
static void mask_entered(struct thread *t)
{
	if (!t->has_sig)
		signal_mask_host(t->sigmask);
	signal_pending_update(t);
}

void signal_call(struct thread *t, const siginfo_t *info, uint64_t handler)
{
	int sig = info->si_signo;
	struct kernel_sigaction act = t->sighand->action[sig - 1];

	act.handler = handler;
	act.flags = SA_SIGINFO | SA_ONSTACK;
	act.mask = 0;
	handler_enter(t, sig, info, &act);
	mask_entered(t);
}

void signal_queue_self(struct thread *t, const siginfo_t *info)
{
	enqueue(t, info);
	signal_pending_update(t);
}

void signal_force(struct thread *t, const siginfo_t *info)
{
	int sig = info->si_signo;
	struct kernel_sigaction act = action_take(t, sig);

	if (act.handler <= 1 || (t->sigmask & SIGBIT(sig)))
		signal_die(t, sig, info);
	handler_enter(t, sig, info, &act);
	mask_entered(t);
}

void signal_sys_return(struct thread *t)
{
	struct kvm_regs *r = thread_regs(t);
	struct kernel_ucontext uc;
	uint32_t magic = 0;

	if (guest_read(&uc, r->rsp, sizeof(uc)))
		goto bad;
	regs_from_sigctx(r, &uc.mc);
	if (uc.mc.fpstate) {
		if (guest_read(t->xsave, uc.mc.fpstate, 512))
			goto bad;
		memcpy(&magic, t->xsave + 464, sizeof(magic));
		memset(t->xsave + 512, 0, sizeof(t->xsave) - 512);
		t->xsave[512] = 3;
		if (magic == 0x46505853U && guest_read(t->xsave, uc.mc.fpstate, vm.xsave_size))
			goto bad;
		if (vcpu_fpu_set(t))
			goto bad;
	} else {
		fpu_initial(t);
	}
	if (!(uc.stack.ss_flags & SS_DISABLE)) {
		t->altstack = uc.stack;
		t->altstack.ss_flags &= ~SS_ONSTACK;
	} else if (!signal_on_altstack(t, r->rsp)) {
		memset(&t->altstack, 0, sizeof(t->altstack));
	}
	regs_dirty(t);
	signal_mask_set(t, uc.sigmask);
	return;
bad:
	signal_force(t, &no_frame);
}

void signal_mask_set(struct thread *t, uint64_t mask)
{
	t->sigmask = mask & ~(uint64_t)SIG_UNBLOCKABLE;
	if (!t->has_sig) /* else all stays blocked until what came is delivered */
		signal_mask_host(t->sigmask);
	signal_pending_update(t);
}

void signal_temp_mask(struct thread *t, uint64_t mask)
{
	t->orig_mask = t->sigmask;
	t->sigmask = mask & ~(uint64_t)SIG_UNBLOCKABLE;
	t->has_temp = true;
	signal_pending_update(t);
}

void signal_temp_end(struct thread *t)
{
	if (!t->has_temp)
		return;
	t->has_temp = false;
	t->sigmask = t->orig_mask;
	signal_pending_update(t);
}
