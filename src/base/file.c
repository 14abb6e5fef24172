/* file.c - see file.h. Any context of the app. Source: proc(5). */
#include "file.h"
#include "sys.h"

#include <fcntl.h>
#include <sys/resource.h>

int file_open(const char *path)
{
	return (int)sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

bool file_text(const char *path, char *buf, size_t size)
{
	int fd = file_open(path);
	long n = fd < 0 ? -1 : sys_read(fd, buf, size - 1);

	if (fd >= 0)
		sys_close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n > 0;
}

bool file_line(const char *path, char *buf, size_t size)
{
	bool any = file_text(path, buf, size);

	buf[__builtin_strcspn(buf, "\n")] = 0;
	return any;
}

const char *file_stat(const char *path, char *buf, size_t size)
{
	const char *end;

	file_text(path, buf, size);
	end = __builtin_strrchr(buf, ')');
	return end && end[1] ? end + 2 : "";
}

size_t file_link(const char *path, char *buf, size_t size)
{
	long n = sys_call3(__NR_readlink, (long)path, (long)buf, (long)size - 1);

	buf[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

bool file_may_have(size_t bytes)
{
	struct rlimit l;

	return !sys_call4(__NR_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&l) && l.rlim_cur >= bytes;
}

size_t text_number(const char *text)
{
	size_t n = 0;

	while (text_is_blank(*text))
		text++;
	for (; *text >= '0' && *text <= '9' && n < SIZE_MAX / 16; text++)
		n = n * 10 + (size_t)(*text - '0');
	return n;
}
