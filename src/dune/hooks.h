/*
 * hooks.h - what a backend above the Dune layer (kvm/) may put into the vmm.
 *
 * Set once, before dune_enter; vmm context: no libc that allocates or writes errno, no lock that
 * app context may hold. A NULL hook is not there.
 */
#ifndef UD_DUNE_HOOKS_H
#define UD_DUNE_HOOKS_H

#include "thread.h"

/* One system call on its way to the host. */
struct dune_call {
	long nr;
	long a[6];	  /* as the host will see them; the hook may change these */
	struct thread *t; /* thread_regs(t): as the program passed them          */
};

struct dune_hooks {
	/*
	 * Around every system call: may change c->a (pointers into copies on its own stack), calls
	 * dune_call_issue, undoes what must be undone, and returns the result; or answers by
	 * itself. A result of HOST_RESTART means that a signal comes first and the whole call will
	 * be made again: pass it on.
	 */
	long (*call)(struct dune_call *c);
	/* A guest page fault, before the windows are looked at. True: dealt with, run on. */
	bool (*fault)(struct thread *t, vaddr_t va, uint64_t error);
	/*
	 * An instruction is about to run natively, where aliases do not exist. thread_regs(t) may
	 * be changed before; true: dealt with, do not run it.
	 */
	bool (*replay)(struct thread *t);
	/* A signal is about to kill the process by its default action (report, flush). */
	void (*die)(struct thread *t, const siginfo_t *info);
	/* In a fork child, before its first instruction; a thread's birth and its end. */
	void (*fork_child)(struct thread *t);
	void (*thread_start)(struct thread *t);
	void (*thread_end)(struct thread *t);
};

extern struct dune_hooks dune_hooks;

/* Makes the call: forwards it, or does what ring 0 needs done instead. */
long dune_call_issue(struct dune_call *c);

#endif
