/* place.c - see place.h. app context, fault path. Source: proc(5), /proc/pid/maps. */
#include "place.h"
#include "base/base.h"
#include "cfi.h"

struct line { /* one mapping */
	uintptr_t lo, hi;
	char perms[4]; /* "rw-p" */
	char name[64];
};

struct reader {
	int fd;
	size_t at, n;
	char buf[1024];
};

static int next_char(struct reader *r)
{
	if (r->at == r->n) {
		long n = sys_read(r->fd, r->buf, sizeof(r->buf));

		if (n <= 0)
			return -1;
		r->at = 0;
		r->n = (size_t)n;
	}
	return (unsigned char)r->buf[r->at++];
}

static uintptr_t hex(struct reader *r, int *stop)
{
	uintptr_t v = 0;
	int c;

	for (;;) {
		c = next_char(r);
		if (c >= '0' && c <= '9')
			v = v << 4 | (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uintptr_t)(c - 'a' + 10);
		else
			break;
	}
	*stop = c;
	return v;
}

static bool next_line(struct reader *r, struct line *l)
{
	size_t n = 0, column = 0, nperms = 0;
	int c;

	l->lo = hex(r, &c);
	if (c != '-')
		return false;
	l->hi = hex(r, &c);
	/* After " perms offset dev inode" and blanks comes the name; blanks inside it are kept. */
	for (bool blank = false; c != '\n' && c >= 0; c = next_char(r)) {
		if (c == ' ' && column <= 4) {
			column += !blank;
			blank = true;
			continue;
		}
		blank = false;
		if (column == 1 && nperms < sizeof(l->perms))
			l->perms[nperms++] = (char)c;
		if (column > 4 && n < sizeof(l->name) - 1)
			l->name[n++] = (char)c;
	}
	l->name[n] = 0;
	return true;
}

static bool equal(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

enum place place_find(vaddr_t addr, uintptr_t sp, char *name, size_t size)
{
	struct reader r = {.fd = file_open("/proc/self/maps")};
	enum place place = PLACE_UNMAPPED;
	struct module m;
	struct line l;

	name[0] = 0;
	if (r.fd < 0)
		return module_find(addr, &m) ? PLACE_MODULE : PLACE_UNMAPPED;
	while (next_line(&r, &l)) {
		if (addr < l.lo || addr >= l.hi)
			continue;
		if ((sp >= l.lo && sp < l.hi) || equal(l.name, "[stack]"))
			place = PLACE_STACK;
		else if (equal(l.name, "[heap]"))
			place = PLACE_BRK;
		else
			place = module_find(addr, &m) ? PLACE_MODULE : PLACE_MAPPED;
		for (size_t i = 0; i < size - 1 && (name[i] = l.name[i]); i++)
			name[i + 1] = 0;
		break;
	}
	sys_close(r.fd);
	return place;
}

bool place_each_written(void (*fn)(uintptr_t lo, uintptr_t hi))
{
	struct reader r = {.fd = file_open("/proc/self/maps")};
	struct line l;

	if (r.fd < 0)
		return false;
	while (next_line(&r, &l))
		if (!__builtin_memcmp(l.perms, "rw", 2) && l.perms[3] == 'p')
			fn(l.lo, l.hi);
	sys_close(r.fd);
	return true;
}
