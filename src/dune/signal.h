/*
 * signal.h - signals: from the host's handler to a frame on the program's stack, and back.
 *
 * vmm context, but for host_signal (the host's handler, on the thread's host signal stack).
 */
#ifndef UD_DUNE_SIGNAL_H
#define UD_DUNE_SIGNAL_H

#include "thread.h"

/* Default action: a core. Caught, so that the core shows the program's registers. */
#define SIGNAL_CORES                                                                       \
	(SIG_SYNC | SIGBIT(SIGQUIT) | SIGBIT(SIGABRT) | SIGBIT(SIGSYS) | SIGBIT(SIGXCPU) | \
		SIGBIT(SIGXFSZ))
#define SA_RESTORER_BIT 0x04000000UL

/* dune_enter: takes over what the process has installed already. 0 or -errno. */
int signal_init(struct thread *t);

/* The host mask that stands for the program's mask. */
static inline uint64_t signal_host_mask(uint64_t mask)
{
	return mask & ~(uint64_t)SIG_SYNC;
}

void signal_mask_host(uint64_t mask);
/* Blocks all; returns the host mask there was. */
static inline uint64_t signal_mask_block(void)
{
	uint64_t all = ~0UL, old = 0;

	sys_sigmask(SIG_SETMASK, &all, &old);
	return old;
}

/* Builds the frames of what is pending. Registers must be the program's, not the monitor's. */
void signal_frames(struct thread *t);
bool signal_pending(const struct thread *t);

/* A fault of the program's own: its handler, or the default action (does not return). */
void signal_force(struct thread *t, const siginfo_t *info);

/*
 * Runs handler(sig, info, ucontext) in ring 0 as if info had come for a handler of the program's;
 * what the program installed for that signal stays, and lends its way back.
 */
void signal_call(struct thread *t, const siginfo_t *info, uint64_t handler);
/* The program sent itself what looks like a fault; the host's handler would take it for the vmm's.
 */
void signal_queue_self(struct thread *t, const siginfo_t *info);

/* System calls answered here; pointers are host addresses. */
long signal_sys_action(struct thread *t, int sig, const void *act, void *old, size_t size);
long signal_sys_procmask(struct thread *t, int how, const void *set, void *old, size_t size);
long signal_sys_altstack(struct thread *t, const void *ss, void *old);
long signal_sys_pending(struct thread *t, void *set, size_t size);
void signal_sys_return(struct thread *t);

/* Default action by the host, at the program's registers (so that a core shows them). */
__attribute__((noreturn)) void signal_die(struct thread *t, int sig, const siginfo_t *info);

void signal_mask_set(struct thread *t, uint64_t mask);

/* sigsuspend, ppoll...: mask for the time of one call; end: it was not interrupted. */
void signal_temp_mask(struct thread *t, uint64_t mask);
void signal_temp_end(struct thread *t);

/* Around exec: the synchronous signals that the program ignores are ignored by the host too. */
void signal_sync_ignored(struct thread *t, bool now);

/* dune_leave. */
void signal_undo(struct thread *t);

int signal_queue_take(struct thread *t, uint64_t set, siginfo_t *info);

/* Between signal.c and sigcall.c. */
void host_signal(int sig, siginfo_t *si, void *uc);
void host_restorer(void);
long signal_host_action(int sig, const struct kernel_sigaction *act);
struct queued *signal_queue_next(struct thread *t, uint64_t mask);
void signal_pending_update(struct thread *t);
bool signal_on_altstack(const struct thread *t, uint64_t rsp);
struct sighand *sighand_new(const struct sighand *from);
void sighand_drop(struct sighand *h);

/* sigframe.c: the kernel's rt_sigframe. */
struct sigctx { /* struct sigcontext_64 */
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	uint64_t rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate;
	uint64_t reserved[8];
};

struct kernel_ucontext {
	uint64_t flags, link;
	stack_t stack;
	struct sigctx mc;
	uint64_t sigmask;
};

struct sigframe {
	uint64_t pretcode;
	struct kernel_ucontext uc;
	siginfo_t info;
};

void sigctx_from_regs(struct sigctx *c, const struct kvm_regs *r);
void regs_from_sigctx(struct kvm_regs *r, const struct sigctx *c);
/* Completes the software bytes of an XSAVE area as the kernel writes them. */
void sigframe_xsave_seal(uint8_t *xsave);
#define SIGFRAME_MAGIC2_SIZE 4

#endif
