/*
 * procmap.c - /proc/thread-self/maps by raw system calls (procmap.h).
 *
 * app and vmm context. thread-self, not self: the latter is empty once the main thread has
 * exited. A line longer than the buffer (a path near PATH_MAX) loses the end of its name.
 */
#include "procmap.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/ioctl.h>
#include <sys/mman.h>

#define MAPS "/proc/thread-self/maps"

/* A hexadecimal number that `end` follows; *s moves behind that. */
static bool parse_hex(char **s, char end, uint64_t *v)
{
	char *p = *s;
	int digit;

	for (*v = 0;; p++) {
		if (*p >= '0' && *p <= '9')
			digit = *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			digit = *p - 'a' + 10;
		else
			break;
		*v = *v << 4 | (uint64_t)digit;
	}
	if (p == *s || *p != end)
		return false;
	*s = p + 1;
	return true;
}

bool procmap_parse(char *line, struct procmap_row *row)
{
	char *s = line;
	int spaces;

	if (!parse_hex(&s, '-', &row->start) || !parse_hex(&s, ' ', &row->end))
		return false;
	if (strnlen(s, 5) < 5 || s[4] != ' ')
		return false;
	row->prot = (s[0] == 'r' ? PROT_READ : 0) | (s[1] == 'w' ? PROT_WRITE : 0) |
		    (s[2] == 'x' ? PROT_EXEC : 0);
	row->shared = s[3] == 's';
	s += 5;
	if (!parse_hex(&s, ' ', &row->offset))
		return false;
	for (spaces = 0; *s && spaces < 2; s++) /* device, inode */
		spaces += *s == ' ';
	while (*s == ' ')
		s++;
	row->name = s;
	return true;
}

int procmap_each(int (*fn)(const struct procmap_row *row, void *arg), void *arg)
{
	char buf[4608], *line, *eol;
	struct procmap_row row;
	bool cut = false; /* what comes next is the tail of a line too long */
	size_t have = 0;
	long n, fd;
	int r = 0;

	fd = sys_openat(AT_FDCWD, MAPS, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	while (!r) {
		n = sys_read((int)fd, buf + have, sizeof(buf) - 1 - have);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			r = (int)n;
			break;
		}
		have += (size_t)n;
		buf[have] = '\0';
		for (line = buf; !r; line = eol + 1) {
			eol = memchr(line, '\n', have - (size_t)(line - buf));
			if (!eol && (line != buf || have < sizeof(buf) - 1))
				break;
			if (!eol)
				eol = buf + have - 1; /* the line fills the buffer */
			if (!cut) {
				char last = *eol;

				*eol = '\0';
				if (procmap_parse(line, &row))
					r = fn(&row, arg);
				*eol = last;
			}
			cut = *eol != '\n';
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
	}
	sys_close((int)fd);
	return r;
}

struct find {
	vaddr_t va;
	struct procmap_row *row;
};

static int find_row(const struct procmap_row *row, void *arg)
{
	struct find *f = arg;

	if (f->va >= row->end)
		return 0;
	if (f->va < row->start)
		return -EFAULT; /* they come in order */
	*f->row = *row;
	f->row->name = "";
	return 1;
}

int procmap_find_slow(vaddr_t va, struct procmap_row *row)
{
	struct find f = {va, row};
	int r = procmap_each(find_row, &f);

	return r == 1 ? 0 : r ? r : -EFAULT;
}

/* PROCMAP_QUERY of linux/fs.h (6.11): Debian 12 has no such header yet. */
struct query {
	uint64_t size, flags, addr;
	uint64_t start, end, vma_flags, page_size, offset, inode;
	uint32_t dev_major, dev_minor, name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};

#define QUERY	     _IOWR('f', 17, struct query)
#define QUERY_SHARED 8u /* the three below it are PROT_READ, _WRITE, _EXEC */

int procmap_find(vaddr_t va, struct procmap_row *row)
{
	struct query q = {.size = sizeof(q), .addr = va};
	long fd, r;

	/* The kernel keeps the vsyscall page out of the query, but not out of the file. */
	if (va >> 47)
		return procmap_find_slow(va, row);
	fd = sys_openat(AT_FDCWD, MAPS, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	r = sys_call3(__NR_ioctl, fd, (long)QUERY, (long)&q);
	sys_close((int)fd);
	if (r == -ENOENT)
		return -EFAULT;
	if (r < 0) /* ENOTTY: an older kernel */
		return procmap_find_slow(va, row);
	row->start = q.start;
	row->end = q.end;
	row->prot = (int)q.vma_flags & (PROT_READ | PROT_WRITE | PROT_EXEC);
	row->shared = q.vma_flags & QUERY_SHARED;
	row->offset = q.offset;
	row->name = "";
	return 0;
}

void procmap_print(struct out *o, const struct procmap_row *row)
{
	out_fmt(o, "0x%016lx-0x%016lx %c%c%c%c %08lx %s\n", row->start, row->end,
		row->prot & PROT_READ ? 'R' : '-', row->prot & PROT_WRITE ? 'W' : '-',
		row->prot & PROT_EXEC ? 'X' : '-', row->shared ? 'S' : 'P', row->offset, row->name);
}
