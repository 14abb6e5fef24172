/*
 * out.h - text to a file descriptor without malloc, stdio, locale, errno or locks.
 *
 * Any context but the monitor; async-signal-safe. A `struct out` lives on its user's stack and
 * is flushed in whole lines where the buffer allows, so that reports of several processes do
 * not interleave inside a line. A write error is kept (`lost`), and more is tried: there may be nobody left to tell.
 */
#ifndef UD_OUT_H
#define UD_OUT_H

#include "words.h"

#include <stdarg.h>

struct out {
	int fd;	  /* where to; < 0: keep the text in buf, drop what does not fit */
	size_t n; /* bytes waiting in buf                                        */
	int lost; /* errno of the first write that failed, what it had is lost; 0: none */
	char *copy,
		*copy_end; /* what is flushed is put there, too, with a zero behind it; or NULL */
	char buf[2000];
};

/* Nothing waits, nothing is lost. The other three flush when buf is full; what waits at the end is the caller's to flush. */
void out_init(struct out *o, int fd);
void out_flush(struct out *o);
void out_char(struct out *o, char c);
void out_str(struct out *o, const char *s);

/*
 * out_fmt: the printf subset %s %c %d %i %u %x %p %% with l, ll, z, width (also *), '-' and '0'.
 * %p prints 0x and lower-case digits. Anything else is printed as it stands.
 */
void out_fmt(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_vfmt(struct out *o, const char *fmt, va_list ap);

/* One whole message, formatted and written at once: "undangle: " is NOT added. */
void out_line(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Formats into dst (size bytes, always terminated); returns the length written. */
size_t out_snprintf(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
