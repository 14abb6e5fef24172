/*
 * efault.h - a dead alias handed to the kernel: EFAULT there, a use-after-free here.
 *
 * app context. The functions of libc listed in efault.def are interposed; each calls the next one
 * of that name and looks at its pointers only if that failed with EFAULT. Not seen: what libc
 * hands over by itself (the buffer inside a FILE), and system calls made without libc.
 */
#ifndef UD_EFAULT_H
#define UD_EFAULT_H

#include "base/base.h"

#include <signal.h>

/*
 * Is this signal the one that efault.c sent to its own thread after a report? Then the finding is
 * reported already. Asking forgets it.
 */
bool efault_is_mine(const siginfo_t *si);

/*
 * The backend has reported that a system call met the dead alias addr, and the call will fail with
 * EFAULT: sends this thread the SIGSEGV, and sees to it that nothing here reports it again.
 */
void efault_raise(vaddr_t addr);

#endif
