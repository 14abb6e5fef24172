/*
 * suppress.h - rules of findings that are not to be told, a line each: fun:GLOB, module:GLOB or
 * src:GLOB, blank lines and # comments. pure; for the library and the command.
 *
 * A rule matches a finding if it matches any frame of the stack of the use. * is any text, ? any
 * character; a module or source is matched as a whole and by its file name, a function of C++ with its
 * parameters and without.
 */
#ifndef UD_SUPPRESS_H
#define UD_SUPPRESS_H

#include "words.h"

enum suppress { SUPPRESS_FUN, SUPPRESS_MODULE, SUPPRESS_SRC, SUPPRESS_BAD };

struct suppress_rule {
	enum suppress what;
	const char *glob, *line; /* not terminated */
	size_t glob_len, line_len;
	unsigned number; /* of the line, from 1 */
};

/* The next rule of text, which it moves on; *number is 0 at first. False: no more. */
bool suppress_next(const char **text, unsigned *number, struct suppress_rule *r);

/* name may be NULL: then it does not match. */
bool suppress_matches(const struct suppress_rule *r, enum suppress what, const char *name);

#endif
