/*
 * report.h - findings: a bug of the program, classified, printed once, then the signal takes
 * its course.
 *
 * app context, in any state of the program. Printer and classifier use no malloc, no stdio.
 * Several threads may find something at once: the first one reports, the others wait to die.
 * The format of the text is described at the top of print.c.
 */
#ifndef UD_REPORT_H
#define UD_REPORT_H

#include "base/base.h"
#include "trace/trace.h"

enum finding {
	FINDING_USE_AFTER_FREE,
	FINDING_DOUBLE_FREE,
	FINDING_INVALID_FREE,
	FINDING_OUT_OF_BOUNDS, /* of a live block, or of all: nothing was freed there */
};

enum access {
	ACCESS_NONE, /* free and realloc */
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_EXEC,
	ACCESS_SYSCALL, /* the kernel, on behalf of the system call named in the report */
};

struct report {
	enum finding kind;
	enum access access;
	size_t size; /* of the access in bytes; 0 = unknown */
	vaddr_t addr;
	/* addr is where the pointer was loaded from that was used: base/poison.h */
	bool loaded;
	const char *call; /* "free", "realloc", "write": the function or system call; or NULL */
	int arg;	  /* for ACCESS_SYSCALL: number of the argument, from 1               */
	/* block_find(addr) at that time; OUT_OF_BOUNDS: the live block nearest to it, if any */
	struct block block;
	/* A live one that somebody may have run past the end of, to meet a dead one; else NONE */
	struct block before;
	struct stack_regs use; /* where it happened; ip is exact for READ, WRITE and EXEC,
				* else a return address */
	/* A write that was found later, then; NULL: it happens now. `use` is not known: all 0. */
	const char *found;
	uint64_t value; /* likewise: what stands there */
};

/* The stack that names the place: of the use; where that is not known, of the free. */
size_t report_frames(const struct report *r, uintptr_t *pc, size_t max);

/*
 * A pointer given to free/realloc/malloc_usable_size is no live block's start: decide by
 * block_find which finding it is, print, raise SIGABRT. `call` names the exported function,
 * `frame` its __builtin_frame_address(0). Hold no lock. Returns only where the program goes on
 * (--on-error=continue): then nothing was done, and the caller answers as if all were well.
 */
void report_bad_free(void *p, const char *call, void *frame);

/*
 * A block was written to after it was freed, as was found `when`: print, raise SIGABRT. Otherwise as
 * report_bad_free.
 */
void report_written(const struct late *l, const char *when);
#define WHEN_DIES "when it died"

/*
 * Is what was used as an address a word of a freed block (base/poison.h)? Then *addr is where it was
 * loaded from.
 */
bool report_loaded(vaddr_t *addr);

/*
 * Prints r, unless the same was printed before. `fatal`: the process is going to die of it, so
 * whoever else finds something waits. ucontext may be NULL (no registers then). Returns; the
 * caller raises the signal.
 */
void report_print(const struct report *r, const void *ucontext, bool fatal);

/* Was it an access of the program's own? Then its stack begins at the very instruction. */
static inline bool report_by_access(const struct report *r)
{
	return r->access != ACCESS_NONE && r->access != ACCESS_SYSCALL && !r->found;
}

/*
 * Where the program may go on after r (--on-error=continue): prints it unless the same was printed,
 * makes the way on (survive.h), true. Else false, and nothing was done.
 */
bool report_survived(const struct report *r, const void *ucontext);

/* The frames of a recorded stack, as a report has them. */
void report_stack(struct out *o, uint32_t id);

/*
 * What print writes, which has frames in it, goes to the log, with source lines if they can be had. It may be
 * called twice.
 */
void report_completed(void (*print)(struct out *o));

/*
 * The process is about to end: not while another thread reports a finding, and if that one is
 * fatal, not before it has ended the process.
 */
void report_wait(void);

/* What else is to be done where the process ends without its destructors (_exit, quick_exit), or NULL. */
extern void (*report_at_end)(void);

/* The text of the last finding that was told, without source lines; "": there was none. */
const char *report_told(void);

/* How many findings there were in this process and before it was forked, told or not. */
unsigned long report_count(void);

/* Is this thread inside report_print? Then a fault is our own: give up. */
bool report_is_printing(void);

#endif
