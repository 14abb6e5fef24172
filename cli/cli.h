/*
 * cli.h - what the files of the command share.
 *
 * An ordinary single-threaded program, never preloaded: libc is free to use. Every refusal is
 * one line on stderr that starts with "undangle: " and says what is wrong and what to do, with
 * exit status 2, before anything was done.
 */
#ifndef UD_CLI_H
#define UD_CLI_H

#include "base/options.h"
#include "base/suppress.h"

#include <limits.h>
#include <stdio.h>

#ifndef UD_VERSION
#define UD_VERSION "0.1.0"
#endif

/* "undangle: MESSAGE" on stderr, exit status 2. */
__attribute__((noreturn, cold, format(printf, 1, 2))) void refuse(const char *fmt, ...);

/* Flushes; what could not be written is a refusal of `what`. */
void written(struct out *o, const char *what);

/* Memory or a line and exit status 2. */
void *claim(size_t n);
char *claim_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* whole.c: a file that is there whole or not at all. */
struct whole {
	const char *path, *fresh;
	FILE *out;
};
/* To be written; NULL and errno: it cannot be. What is at path stays until whole_close. */
FILE *whole_open(struct whole *f, const char *path);
/* False and errno: not all could be written; at path is what was there before. */
bool whole_close(struct whole *f);

/* The verbs of verbs.def. */
#define VERB(name, args, help) int verb_##name(int argc, char **argv);
#include "verbs.def"
#undef VERB

/* run.c: undangle [options] [--] PROG [ARGS...]; argv[0] is ours. Does not return on success. */
int run(int argc, char **argv);

/* run.c: fills *o from the command line; refuses a bad option. The index of what is no option. */
int options_take(struct options *o, int argc, char **argv);

/* symbolize.c: whether arg is --debug-dir=DIR; then debug files are looked for there, too. Refuses what is no folder. */
bool debug_dir_take(const char *verb, const char *arg);

/* run.c: the text of a file of rules (base/suppress.h); refuses a bad one. Static storage. */
const char *rules_read(const char *path);

#define LIBRARY "libundangle.so"

/* run.c: absolute path of one of our libraries, beside the command or in ../lib/undangle; refuses if absent. */
void library_find(const char *name, char path[PATH_MAX]);

/* run.c: before all others in LD_PRELOAD. */
void preload_set(const char *lib);

/*
 * refuse.c: finds prog as execvp would and refuses what ld.so would not preload us into: anything
 * but a dynamically linked x86-64 glibc program, or a script whose interpreter is one.
 */
void program_check(const char *prog, char path[PATH_MAX]);

/* As far as `#!/usr/bin/env NAME` goes: NAME if path is such a script, else NULL. Static storage.
 */
const char *program_env_target(const char *path);

/*
 * run.c: where `#!/usr/bin/env NAME` is not what is meant, but NAME (--no-follow, layout): does
 * env's work here, path becomes NAME's. Returns the argument vector to run, else argv itself.
 */
char **program_without_env(char *path, char **argv);

/*
 * probe.c: tries in a child process what the host backend cannot do without (shared memory, a
 * second mapping of it, its end) and refuses if that fails or a seccomp filter forbids it.
 */
void machine_check(void);

/* Likewise for what --backend=kvm needs. */
void kvm_check(const char *what);

/* undangle --probe. */
int probe(void);

#endif
