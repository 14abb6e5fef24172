/*
 * conf.h - /etc/undangle.d/NAME.conf: which programs are protected, and how. For ld.so.preload and images.
 *
 * A line each: GLOB WORD..., where a word is off, on, or an option as in UNDANGLE_OPTIONS; blank lines and
 * # comments. The glob is matched with the path of the program's file, and with its name. Every line that
 * matches counts, in the order of the files' names and of their lines: later ones win. conf.c is pure;
 * conf_files.c reads the files. What breaks it: a file that keeps a machine from starting programs. So
 * whatever is wrong is one line a file, and the rest counts.
 */
#ifndef UD_CONF_H
#define UD_CONF_H

#include "options.h"

#define CONF_DIRECTORY "/etc/undangle.d"
#define CONF_BYTES     (64UL << 10)

/*
 * Applies the text, ended by a zero, to *o for that program. bad is called with the first line that is
 * wrong, and why.
 */
void conf_apply(struct options *o, const char *text, const char *program,
	void (*bad)(unsigned line, const char *why));

/* All files, in order; execfn: what execve was given. Before libc is initialised. */
void conf_read(struct options *o, const char *execfn);

#endif
