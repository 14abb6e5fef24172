/*
 * finding.h - a finding as the command holds it: read from a report, completed, written again.
 *
 * The text is what src/findings/print.c describes at its top. It comes from anywhere: every line is
 * checked, and what is not understood is no part of a finding. Nothing is ever freed: the command
 * reads, writes and ends.
 */
#ifndef UD_FINDING_H
#define UD_FINDING_H

#include "base/words.h"

#include <stdio.h>

#define FRAMES_MAX 64
#define STACKS_MAX 4
#define GUESSED	   " (tail call, guessed)"
#define NO_LINE	   "no source line: " /* begins a hint, up to the next semicolon */

/* A place in the source. A frame has several if functions were inlined there, innermost first. */
struct line {
	const char *function, *file; /* NULL: unknown */
	int line, column;	     /* 0: unknown    */
	bool inlined;		     /* into the next */
};

struct frame {
	uint64_t pc, offset, delta;
	const char *symbol; /* as the dying process saw it; NULL: none           */
	const char *path;   /* of the module; NULL: none known                   */
	const char *id;	    /* build id in hex digits; NULL: it has none         */
	const char *lacks;  /* why there are no lines; NULL: nobody looked       */
	struct line *lines;
	size_t nlines;
	bool guessed; /* it left by a tail call: not on the stack, but by what the compiler says */
};

/* How long before it was told. */
struct age {
	bool known;
	bool ms_most, allocs_most; /* no more than so many; else about so many */
	uint64_t ms, allocs;	   /* time, and blocks that were allocated meanwhile */
};

struct stack {
	const char *role;   /* "use", "free", "alloc", "near"                           */
	const char *title;  /* "freed by thread"                                  */
	const char *thread; /* "T0 (main)"                                        */
	int tid;
	struct age age;
	struct frame frames[FRAMES_MAX];
	size_t nframes;
};

struct finding {
	const char *message; /* the first line after "undangle: ERROR: "           */
	const char *kind;    /* "use-after-free"                                   */
	const char *access;  /* READ, WRITE, EXEC; NULL: call                      */
	const char *call;    /* the function or system call; NULL: access          */
	uint64_t size, addr; /* size 0: unknown                                    */
	int arg;
	bool in_block, live, moved;
	uint64_t block_size;
	int64_t offset; /* of addr in the block; may be before or past it       */
	int pid;
	const char *comm, *signature, *registers, *hint;
	struct stack stacks[STACKS_MAX];
	size_t nstacks;
};

/*
 * Names of files, as reports have them: on one line, with \012 for a line's end as /proc/PID/maps has it (also
 * print.c), and as they are opened. NULL: NULL.
 */
const char *name_shown(const char *name);
const char *name_real(const char *shown);

/*
 * Reads all of in. found is called with each finding at its end, other (unless NULL) with each
 * line of n bytes that belongs to none: where these are to go through as they are,
 * AddressSanitizer's reports do, too; else they are read as well.
 */
void findings_read(FILE *in, void (*found)(struct finding *f, void *arg),
	void (*other)(const char *line, size_t n, void *arg), void *arg);
/* Of the file, or of standard input ("-"); refuses what cannot be read. */
void findings_of(const char *verb, const char *name, void (*found)(struct finding *f, void *arg),
	void (*other)(const char *line, size_t n, void *arg), void *arg);

/* Is the line a frame, as a report in text has them? Then it is added to k. */
bool frame_read(struct stack *k, const char *line);

/* The stack of that role, or NULL. */
const struct stack *finding_stack(const struct finding *f, const char *role);
/* The one that names the place: of the use; of the free, where it is not known who wrote. */
const struct stack *finding_place(const struct finding *f);

/* Of the system's libraries, or headers whose code is inlined into everybody's: it seldom is what is looked for. */
bool path_is_system(const char *path);
/*
 * The line of a stack to show: the innermost of the program's own, else the innermost that is known. NULL: there is
 * none, and *at is the innermost frame, or NULL.
 */
const struct line *stack_line(const struct stack *k, const struct frame **at);

/* The other forms; each is one file. */
struct look {
	bool color;
	bool rest; /* the first line was printed already */
};
void text_write(FILE *out, const struct finding *f, const struct look *look);
void asan_write(FILE *out, const struct finding *f);
void json_write(FILE *out, const struct finding *f);
struct finding *json_read(const char *text);

/* text.c: how to go on, when lines are known and when not; NULL: nothing is known of it. */
const char *finding_hint(const struct finding *f);
/* text.c: "about 0.303 s and at most 500 allocations ago"; it is known. */
const char *age_text(const struct age *a);
/* What stands over a stack: "freed by thread T0 (main)", and when. */
const char *stack_title(const struct stack *k);
/* text.c: one stack of it. */
void text_stack(FILE *out, const struct stack *k);
/* Its frames alone. */
void text_frames(FILE *out, const struct stack *k);

/* text.c: a file of source to read, or NULL: only what is a file, and not too large. */
FILE *source_open(const char *path);

#endif
