/*
 * file.h - the kernel's small text files, /proc and /sys: read without malloc or stdio.
 *
 * Any context of the app, the fault path included.
 */
#ifndef UD_FILE_H
#define UD_FILE_H

#include "words.h"

/* To read from with sys_read; -errno. */
int file_open(const char *path);
/* Its beginning as a string; false, and "", if there is none. */
bool file_text(const char *path, char *buf, size_t size);
/* The same of its first line, without the end of it. */
bool file_line(const char *path, char *buf, size_t size);
/* What /proc/.../stat says behind the process's name, which may hold anything: "STATE PARENT ..."; or "". */
const char *file_stat(const char *path, char *buf, size_t size);
/* Where a link leads, as a string, and its length; "" and 0 if it leads nowhere. */
size_t file_link(const char *path, char *buf, size_t size);
/* May a file of this process be so long? A write beyond its limit would be a signal (SIGXFSZ). */
bool file_may_have(size_t bytes);
/* The number that text begins with, after blanks; 0 if there is none. */
size_t text_number(const char *text);

static inline bool text_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What of text follows that beginning; NULL: it begins otherwise. */
static inline char *text_after(const char *text, const char *begin)
{
	while (*begin)
		if (*text++ != *begin++)
			return NULL;
	return (char *)(uintptr_t)text;
}

#endif
