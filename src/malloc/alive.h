/*
 * alive.h - what is still allocated when the process ends: --leaks and --heap-profile.
 *
 * app context, from the destructor: the program's own have run, other threads may still.
 */
#ifndef UD_ALIVE_H
#define UD_ALIVE_H

/* frame: __builtin_frame_address(0) of the caller; nothing below it is the program's. */
void alive_tell(void *frame);

#endif
