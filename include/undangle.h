/*
 * undangle.h - what a program may ask libundangle.so, when it runs under it.
 *
 * Declare them weak to run without it too:
 *	extern int ud_is_dead(const void *) __attribute__((weak));
 *	if (ud_is_dead && ud_is_dead(p)) ...
 * All are thread-safe; ud_is_dead, ud_block and ud_dump are async-signal-safe.
 */
#ifndef UNDANGLE_H
#define UNDANGLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UD_API __attribute__((visibility("default")))

/* 1: p points into a block that was freed. 0: into a live one, or nothing of ours. */
UD_API int ud_is_dead(const void *p);

/* The start of the live block that p points into, and its size in *size; NULL if there is none. */
UD_API void *ud_block(const void *p, size_t *size);

/* Every freed block dies now, whatever the bounds are (detect=adaptive, deferred, grouped). */
UD_API void ud_kill_dead(void);

/* Writes what is known of the address p, and a few lines about the heap, to a file descriptor. */
UD_API void ud_dump(int fd, const void *p);

/* Writes the counts of --stats to a file descriptor. */
UD_API void ud_stats(int fd);

#ifdef __cplusplus
}
#endif

#endif
