/*
 * cli.h - what the files of the command share.
 *
 * An ordinary single-threaded program, never preloaded: libc is free to use. Every refusal is
 * one line on stderr that starts with "undangle: " and says what is wrong and what to do, with
 * exit status 2, before anything was done.
 */
#ifndef UD_CLI_H
#define UD_CLI_H

#include "options.h"

#include <limits.h>

/* "undangle: MESSAGE" on stderr, exit status 2. */
__attribute__((noreturn, cold, format(printf, 1, 2))) void refuse(const char *fmt, ...);

/* The verbs of verbs.def. */
#define VERB(name, args, help) int verb_##name(int argc, char **argv);
#include "verbs.def"
#undef VERB

/* run.c: undangle [options] [--] PROG [ARGS...]; argv[0] is ours. Does not return on success. */
int run(int argc, char **argv);

/* Options that only the command has, for the suggestion of the nearest name; NULL-terminated. */
extern const char *const cli_options[];

/* Absolute path of libundangle.so, beside the command or in ../lib/undangle; refuses if absent. */
void library_find(char path[PATH_MAX]);

#endif
