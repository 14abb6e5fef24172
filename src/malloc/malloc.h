/*
 * malloc.h - what the files of malloc/ share: the ways from the exported family to an engine.
 *
 * app context. `frame`: __builtin_frame_address(0) of the exported function, from where the stack
 * is walked.
 */
#ifndef UD_MALLOC_H
#define UD_MALLOC_H

#include "engine.h"
#include "findings/findings.h"
#include "kvm/kvm.h"

/* Idempotent; from the first malloc or the constructor: options, backend, engine. Ends the process
 * with a line where it cannot run. */
void start(void);
/* Why auto took this backend; NULL: it was asked for. */
extern const char *start_why;

/* Before main: what of C's family and of C++'s operators the program has replaced. */
void family_init(void);
void operators_init(void);

/*
 * malloc and free themselves, which must end in them by a jump: their frame is then that of the
 * call.
 */
void *short_malloc(size_t size);
void short_free(void *p);
/* calloc, new, realloc(NULL). NULL: no memory, and errno is set. */
void *short_alloc(size_t size, bool zero, void *frame);
/* align: a power of two; size + align must not overflow. NULL: no memory. */
void *alloc_aligned(size_t size, size_t align, void *frame);
/* Any other free: `call` is what a report names. */
void free_as(void *p, const char *call, void *frame);
/* The counts: at exit (--stats), and by malloc_stats. start() has run. */
void stats_print(struct out *o);
/*
 * What is still allocated as the process ends: --leaks and --heap-profile. The program's own destructors have
 * run, other threads may still. frame: the caller's; nothing below it is the program's.
 */
void alive_tell(void *frame);
/* Tells what sweeps have found (base/late.h); `when`: as report_written. Hold no lock. */
void late_tell(const char *when);

#endif
