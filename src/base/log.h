/*
 * log.h - where findings, warnings and counts go: stderr, or the file of --log.
 *
 * app context, async-signal-safe, raw system calls only.
 */
#ifndef UD_LOG_H
#define UD_LOG_H

#include "out.h"

/*
 * A descriptor to write to. The file is opened at the first use, again in each child process
 * (%p is its pid), and again when the program has closed our descriptor or put another file in
 * its place. stderr if it cannot be opened, and from log_give_up on.
 *
 * -1 (nothing is written) where descriptor 2 is not what it was at the start and may be a file of
 * the program's with contents of its own: it closed stderr, and what it opened next got the number.
 */
int log_fd(void);

/* The file of --log could not be written (a full disk). False: there is none, or that is known. */
bool log_give_up(void);

/* The name with the process's number for each %p. */
void log_name(char *dst, size_t size, const char *pattern);

/* A file made anew, its name with %p as that of --log; or -errno. */
int log_create(const char *name);

/* Looks at stderr as the program found it. From the constructor. */
void log_start(void);

/*
 * Keeps a second descriptor of stderr for log_fd to fall back on: many programs close stderr in an
 * atexit handler, before the counts are printed. Only where the user asked for counts: whoever
 * waits for the end of a pipe would wait for ours too.
 */
void log_keep_stderr(void);

/*
 * A pipe that nobody reads, or a file that may grow no more, is no reason to die: between hold and release
 * SIGPIPE and SIGXFSZ stay out of this thread, and what came of our writing is taken back. A write fails then.
 */
struct log_hold {
	uint64_t was, waited; /* signals: blocked before; pending before */
};
void log_hold(struct log_hold *h);
void log_release(const struct log_hold *h);

/* One whole line to log_fd(), held. "undangle: " is NOT added, the newline is. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line that begins with "undangle: warning: ", but with --quiet; said: it is said once. Or NULL. */
void log_warn(_Atomic bool *said, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line of --stats, which names its process; the newline is added. */
void log_stat(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
