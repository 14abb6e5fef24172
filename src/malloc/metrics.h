/*
 * metrics.h - the file of --metrics: renewed by whoever frees, every few seconds; no thread, no signal.
 *
 * app context; start() has run.
 */
#ifndef UD_MALLOC_METRICS_H
#define UD_MALLOC_METRICS_H

/* The first time, from the constructor, where it is asked for; from here on frees renew it. */
void metrics_start(void);
/* Once more, as the process ends. */
void metrics_end(void);
/* In the child of a fork, which has a file of its own if its name holds a %p. */
void metrics_forked(void);

#endif
