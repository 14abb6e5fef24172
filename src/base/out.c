/* out.c - see out.h. Any context but the monitor: raw writes only, state on the caller's stack. */
#include "out.h"
#include "sys.h"

#include <errno.h>

void out_init(struct out *o, int fd)
{
	o->fd = fd;
	o->n = 0;
	o->lost = 0;
	o->copy = NULL;
}

static void keep_copy(struct out *o)
{
	size_t n = MIN(o->n, (size_t)(o->copy_end - o->copy) - 1);

	__builtin_memcpy(o->copy, o->buf, n);
	o->copy += n;
	*o->copy = 0;
}

void out_flush(struct out *o)
{
	size_t done = 0;

	if (o->fd < 0 && !o->copy)
		return;
	if (o->copy)
		keep_copy(o);
	while (done < o->n) {
		long r = sys_write(o->fd, o->buf + done, o->n - done);

		if (r == -EINTR)
			continue;
		if (r <= 0) {
			o->lost = o->lost ? o->lost : r ? (int)-r : EIO;
			break;
		}
		done += (size_t)r;
	}
	o->n = 0;
}

void out_char(struct out *o, char c)
{
	if (o->n == sizeof(o->buf)) {
		if (o->fd < 0 && !o->copy)
			return;
		out_flush(o);
	}
	o->buf[o->n++] = c;
}

void out_str(struct out *o, const char *s)
{
	while (*s)
		out_char(o, *s++);
}

/* What stands between '%' and the conversion letter. */
struct spec {
	bool left;
	char pad;
	int width;
	int longs; /* number of l, or 2 for z */
};

static void emit_padded(struct out *o, const struct spec *sp, const char *s, int len)
{
	int fill = sp->width > len ? sp->width - len : 0;

	for (; !sp->left && fill > 0; fill--)
		out_char(o, sp->pad);
	for (int i = 0; i < len; i++)
		out_char(o, s[i]);
	for (; fill > 0; fill--)
		out_char(o, ' ');
}

static void emit_number(
	struct out *o, const struct spec *sp, unsigned long v, unsigned base, const char *prefix)
{
	char tmp[40];
	int at = sizeof(tmp);

	do {
		tmp[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (*prefix && sp->pad == '0' && !sp->left) {
		struct spec rest = *sp;

		for (const char *p = prefix; *p; p++, rest.width--)
			out_char(o, *p);
		emit_padded(o, &rest, tmp + at, (int)sizeof(tmp) - at);
		return;
	}
	for (int i = (int)__builtin_strlen(prefix); i > 0; i--)
		tmp[--at] = prefix[i - 1];
	emit_padded(o, sp, tmp + at, (int)sizeof(tmp) - at);
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){.pad = ' '};
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->pad = '0';
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		sp->longs += *f == 'z' ? 2 : 1;
	return f;
}

static void emit_signed(struct out *o, const struct spec *sp, long v)
{
	bool neg = v < 0;

	emit_number(o, sp, neg ? -(unsigned long)v : (unsigned long)v, 10, neg ? "-" : "");
}

static void emit_string(struct out *o, const struct spec *sp, const char *s)
{
	s = s ? s : "(null)";
	emit_padded(o, sp, s, (int)__builtin_strlen(s));
}

void out_vfmt(struct out *o, const char *fmt, va_list args)
{
	va_list ap;

	va_copy(ap, args);
	for (const char *f = fmt; *f; f++) {
		struct spec sp;
		const char *start = f;

		if (*f != '%') {
			out_char(o, *f);
			continue;
		}
		f = parse_spec(f + 1, &sp, &ap);
		switch (*f) {
		case 's':
			emit_string(o, &sp, va_arg(ap, const char *));
			break;
		case 'c':
			out_char(o, (char)va_arg(ap, int));
			break;
		case 'd':
		case 'i':
			emit_signed(o, &sp, sp.longs ? va_arg(ap, long) : va_arg(ap, int));
			break;
		case 'u':
		case 'x':
			emit_number(o, &sp,
				sp.longs ? va_arg(ap, unsigned long) : va_arg(ap, unsigned int),
				*f == 'x' ? 16 : 10, "");
			break;
		case 'p':
			emit_number(o, &sp, (unsigned long)va_arg(ap, void *), 16, "0x");
			break;
		case '%':
			out_char(o, '%');
			break;
		default:
			for (; start < f; start++)
				out_char(o, *start);
			f--;
		}
	}
	va_end(ap);
}

void out_fmt(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_vfmt(o, fmt, ap);
	va_end(ap);
}

void out_line(int fd, const char *fmt, ...)
{
	struct out o;
	va_list ap;

	out_init(&o, fd);
	va_start(ap, fmt);
	out_vfmt(&o, fmt, ap);
	va_end(ap);
	out_char(&o, '\n');
	out_flush(&o);
}

size_t out_snprintf(char *dst, size_t size, const char *fmt, ...)
{
	struct out o;
	va_list ap;
	size_t n;

	if (!size)
		return 0;
	out_init(&o, -1);
	va_start(ap, fmt);
	out_vfmt(&o, fmt, ap);
	va_end(ap);
	n = MIN(o.n, size - 1);
	__builtin_memcpy(dst, o.buf, n);
	dst[n] = 0;
	return n;
}
