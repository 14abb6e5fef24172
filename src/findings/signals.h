/*
 * signals.h - the program's view of SIGSEGV and SIGBUS, while the handlers are really ours.
 *
 * app context. sigaction and its relatives are interposed here: what the program sets for the two
 * signals is remembered, mirrored into our registration where it changes how the kernel enters a
 * handler (mask, alternate stack, SA_NODEFER, SA_RESTART), and shown when the program asks.
 * Everything else goes to the kernel, except that no signal mask really blocks the two: a finding
 * in a thread or handler that blocks everything must be reported too. Only when one that was sent
 * arrives at a thread that blocks it does the kernel hear of that: then it waits there.
 */
#ifndef UD_SIGNALS_H
#define UD_SIGNALS_H

#include "base/base.h"

#include <signal.h>

/* Makes `entry` the real handler of both signals. */
void signal_take(void (*entry)(int sig, siginfo_t *si, void *ucontext));

/*
 * A fault of the instruction at hand, which will fault again; otherwise somebody sent the signal,
 * perhaps with the siginfo of a fault (crash handlers do), or it tells of broken memory elsewhere.
 */
bool signal_is_fault(const siginfo_t *si, const void *ucontext);

/*
 * What the kernel would have done with a signal that is not ours, from within the real handler,
 * which must return right after: run the program's handler, or ignore, or let the process die of
 * it by its default action (on return the instruction faults again, with nobody there to catch).
 */
void signal_deliver(int sig, siginfo_t *si, void *ucontext);

/* First of all in the real handler: is what the program blocked still so? */
void signal_arrived(const void *ucontext);

/* Would signal_deliver end the process? */
bool signal_is_fatal(int sig);

/* From now on the signal has its default action for the kernel too. */
void signal_set_default(int sig);

/*
 * Around exec: what the program ignores or blocks must be so for the kernel too, because the new
 * program inherits just that.
 */
void signal_exec(bool before);

#endif
