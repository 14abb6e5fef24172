/*
 * options.h - what the user asked for: one struct, filled from options.def.
 *
 * options.c is pure (parser, defaults, help; used by the library, the command and the unit
 * test); options_env.c holds the library's one instance. No malloc, no libc that could: both run
 * before any constructor, inside the first malloc. After options_init nothing writes `options`.
 */
#ifndef UD_OPTIONS_H
#define UD_OPTIONS_H

#include "words.h"
#include "out.h"

#define OPTION_STR_SIZE 256

enum { BACKEND_AUTO, BACKEND_HOST, BACKEND_KVM };
enum { DETECT_STRICT, DETECT_ADAPTIVE, DETECT_DEFERRED, DETECT_GROUPED };
enum { PROFILE_DEBUG, PROFILE_TEST, PROFILE_PRODUCTION };
enum { ON_ERROR_STOP, ON_ERROR_CONTINUE };
#define SUMMARY_FILE \
	"/dev/shm/undangle." /* and the number of who tells it, and a dot: what --summary is by itself */

enum { FORMAT_TEXT, FORMAT_ASAN, FORMAT_JSON };

/* One member per row of options.def, named as there. */
struct options {
#define OPT_ENUM(name, dflt, words, help)   unsigned name;
#define OPT_NUM(name, dflt, min, max, help) unsigned long name;
#define OPT_BOOL(name, dflt, help)	    bool name;
#define OPT_STR(name, help)		    char name[OPTION_STR_SIZE];
#define PROFILE(profile, name, value)
#include "options.def"
	bool off,
		asked; /* by /etc/undangle.d: not at all; by the environment, to protect this process */
	uint64_t explicit; /* bit i: row i was set by the user, not by default or profile */
};

/* Which bit of `explicit` is whose. */
enum {
#define OPT_ENUM(name, ...) OPTION_NTH_##name,
#define OPT_NUM(name, ...)  OPTION_NTH_##name,
#define OPT_BOOL(name, ...) OPTION_NTH_##name,
#define OPT_STR(name, ...)  OPTION_NTH_##name,
#define PROFILE(profile, name, value)
#include "options.def"
};

/* The library's options. Defaults until options_init has run. */
extern struct options options;

/*
 * Fills `options` from /etc/undangle.d and then from UNDANGLE_OPTIONS of the initial environment, which it
 * finds by itself (so that it works before libc is initialised); warns on stderr about what it cannot use. With
 * follow=off also takes this library out of LD_PRELOAD, so that what the program execs runs
 * without us. Idempotent. In setuid programs (AT_SECURE) the environment is not believed.
 */
void options_init(void);

/* The defaults of the default profile. */
void options_default(struct options *o);

/*
 * One setting: "name=value", "name" or "no-name". 0, or -EINVAL and a message in why that names the
 * option (with `dashes`, "--" or "", in front), what is wrong, and the nearest real name or the
 * range.
 */
int option_set(struct options *o, const char *text, const char *dashes, char *why, size_t size);

/* Gives every option that was not set explicitly its default of the chosen profile. */
void options_finish(struct options *o);

/*
 * Settings separated by ':' ('\' takes the next character as it is). Those that cannot be used are
 * skipped and handed to bad(why) one by one.
 */
void options_parse(struct options *o, const char *text, void (*bad)(const char *why));

/* The explicit settings of o in options_parse's syntax; returns the length, dst always terminated.
 */
size_t options_format(const struct options *o, char *dst, size_t size);

/* The option table for --help: entry writes an option, as it is given, and what it does. */
void options_help(void (*entry)(struct out *o, const char *left, const char *text), struct out *o);

/* Of `names` (NULL-terminated) and all option names: the one nearest to `word`, or NULL if none is
 * near enough for a misspelling. */
const char *options_nearest(const char *word, const char *const *names);

/* The word that stands for value v of the enum option `name` ("detect", ...): dst, or NULL if none. */
const char *option_word(const char *name, unsigned v, char *dst, size_t size);

/* The program's file, as the kernel was told it, or NULL. */
const char *options_execfn(void);

#endif
