/*
 * fault.h - SIGSEGV and SIGBUS: ours first, then the program's.
 *
 * app context. Owns the process's real handlers for both signals; sigaction(2), signal(3) and
 * friends are interposed (signals.c) so that what the program installs is remembered and run
 * for its own faults exactly as the kernel would have run it.
 */
#ifndef UD_FAULT_H
#define UD_FAULT_H

#include "report.h"

#include <signal.h>

/* Installs the handlers. From the constructor, after start. */
void fault_init(void);

#endif
