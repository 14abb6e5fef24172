/*
 * off.h - a process that is not protected though the library is in it: its malloc is the next one's.
 *
 * app context. By /etc/undangle.d; under valgrind, whose malloc is in front; or because we cannot run
 * there, and nobody asked for it.
 */
#ifndef UD_OFF_H
#define UD_OFF_H

#include "base/base.h"

/* Instead of a backend. */
void off_start(const char *why);
bool off_is(void);

/* NULL: nothing is to be told of it. */
const char *off_why(void);

/* Is the program our own command, into which ld.so.preload brings us, too? */
bool off_is_ours(void);

#endif
