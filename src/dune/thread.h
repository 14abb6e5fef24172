/*
 * thread.h - one host thread in Dune: its vCPU, its vmm stack, its signals.
 *
 * Owned by the thread itself; the table of all of them by vm.lock. The struct lies at the
 * bottom of a 64 KB-aligned host signal stack, so that a host signal handler finds it from its
 * stack pointer alone: FS and GS may be the program's there.
 */
#ifndef UD_DUNE_THREAD_H
#define UD_DUNE_THREAD_H

#include <dune.h>
#include "cpu.h"
#include "vm.h"
#include "base/base.h"

#include <signal.h>

#define THREAD_MAX     1024
#define SIG_QUEUE      24
#define THREAD_ALIGN   0x10000UL
#define THREAD_REGION  0x50000UL /* sigstack 64K, vmm stack 128K, handler stack 128K */
#define THREAD_VMM_TOP 0x30000UL
_Static_assert(THREAD_VMM_TOP == THREAD_VMM_TOP_OFF, "frame.h");
#define THREAD_VMM_LOW	 0x11000UL /* above a guard page */
#define THREAD_STACK_TOP 0x50000UL
#define THREAD_STACK_LOW 0x31000UL

/* Signals that the vmm itself needs: never blocked on the host. */
#define SIGBIT(s) (1UL << ((s)-1))
#define SIG_SYNC \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGFPE) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP))
#define SIG_UNBLOCKABLE (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

struct kernel_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* What the program installed; shared by the threads of a process (CLONE_SIGHAND). */
struct sighand {
	uint32_t lock;
	uint32_t refs;
	struct kernel_sigaction action[64];
};

/* The callee-saved registers of the vmm while the thread runs natively for one instruction. */
struct eject {
	volatile int active;
	volatile int sig; /* 0: the instruction completed */
	uint64_t rsp;	  /* the vmm's */
	uint64_t mask;	  /* host mask to come back with */
	siginfo_t info;
	uint64_t err, trapno, cr2; /* as the host's frame had them */
};

struct thread {
	uint32_t state; /* thread_state */
	uint32_t index; /* in the table */
	int tid;
	int vcpu_fd, vcpu_id;
	struct kvm_run *run;
	struct dune_cpu *cpu;
	struct sighand *sighand;
	bool own_process;  /* child of clone(CLONE_VM) without CLONE_THREAD      */
	bool parent_waits; /* ...with CLONE_VFORK: the parent releases this object */

	uint64_t sigmask;   /* what the program believes is blocked (or sigsuspend's mask) */
	uint64_t orig_mask; /* valid if has_temp: what to come back to                     */
	bool has_temp;
	bool flush; /* reload CR3 on the way back from this system call             */
	stack_t altstack;
	volatile int poison;  /* KVM_RUN met a broken page: natively the signal says more  */
	volatile int has_sig; /* something in the queue may be delivered */
	uint32_t sig_seq;
	struct queued { /* filled by host_signal, emptied by the vmm of the same thread */
		volatile uint32_t seq; /* 0: free */
		siginfo_t info;
	} queue[SIG_QUEUE];

	struct eject eject;
	struct dune_counts n;
	uint8_t xsave[4096] __attribute__((aligned(64)));
	struct kvm_sregs sregs;
};

enum thread_state { THREAD_FREE, THREAD_LIVE };

extern struct thread *threads[THREAD_MAX]; /* by vm.lock; entries are never taken out */

static inline struct kvm_regs *thread_regs(struct thread *t)
{
	return &t->run->s.regs.regs;
}

/* Say that thread_regs were changed, before the next KVM_RUN. */
static inline void regs_dirty(struct thread *t)
{
	t->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

/* thread.c. A thread object with stacks and vCPU, or NULL (no memory, no vCPU). */
struct thread *thread_new(void);
void thread_release(struct thread *t);
/* First thing on a new host thread: host signal stack, tid. */
void thread_adopt(struct thread *t);
/* clone, fork, vfork as the program called them; what the parent gets, in the parent. */
long thread_clone(struct thread *t, uint64_t flags, uint64_t stack, uint64_t ptid, uint64_t ctid,
	uint64_t tls);
/* exit (one thread); does not return. */
__attribute__((noreturn)) void thread_exit(struct thread *t, int status);
/* The private system call of dune_leave. */
#define DUNE_CALL_LEAVE 0x44554e45
/* Clears the way for the program's dup2 onto one of our descriptors. 0 or -errno. */
int thread_fd_move(int fd);
/* Live threads of this process. */
unsigned threads_live(void);
/* counts.c: prints if DUNE_STATS was asked for. */
void counts_print_at_exit(void);
/* Adds this thread's counts to those of threads that ended. */
void counts_add(struct thread *t);
void counts_forget(void);
/* In a fork child: all vCPUs are gone, all other threads too. */
void thread_forget_others(struct thread *t);
/* fork.c: in the child, before anything else. 0 or -errno. */
int fork_child(struct thread *t, const struct kvm_regs *regs, uint64_t clone_flags);

/* vcpu.c. */
int vcpu_create(struct thread *t);
/* Everything but the general registers, from scratch. */
int vcpu_setup(struct thread *t);
int vcpu_fpu_get(struct thread *t); /* -> t->xsave */
int vcpu_fpu_set(struct thread *t); /* <- t->xsave, made safe first */
/* x87 and SSE with these control words, all else as after reset. */
int vcpu_fpu_reset(struct thread *t, uint16_t fcw, uint32_t mxcsr);
int vcpu_bases_get(struct thread *t, uint64_t *fs, uint64_t *gs);
int vcpu_bases_set(struct thread *t, const uint64_t *fs, const uint64_t *gs);
void vcpu_cpu_number(struct thread *t);
__attribute__((noreturn)) void vcpu_dump_panic(struct thread *t, const char *what);

/* run.c: the vmm's loop; does not return. */
__attribute__((noreturn)) void vmm_loop(struct thread *t);

/* syscall.c. */
void syscall_handle(struct thread *t);

/* exception.c. */
void exception_handle(struct thread *t);
/* Runs the instruction at thread_regs natively; delivers what it raises. */
void replay(struct thread *t);

/* native.c: the guest's registers, on the host. */
/* One instruction; t->eject.sig tells. Registers and FP state are updated. */
void native_step(struct thread *t);
/* For ever (a crash, or dune_leave). mask: host mask to go on with. */
__attribute__((noreturn)) void native_leave(struct thread *t, uint64_t mask);

/* usercopy (host.S, guestmem.c). */
long user_copy(void *dst, const void *src, size_t n); /* 0 or -EFAULT; host addresses */
/* 0: *p was old and is new; 1: it was something else; -EFAULT. A host address. */
long user_swap(void *p, uint32_t old, uint32_t new);
int guest_read(void *dst, vaddr_t src, size_t n); /* aliases too */
int guest_write(vaddr_t dst, const void *src, size_t n);

#endif
