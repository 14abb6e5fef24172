/*
 * conf_files.c - reads /etc/undangle.d (conf.h). app context, in the first malloc: raw system calls,
 * static memory.
 *
 * Where there is no such directory it costs one system call. Source: getdents64(2).
 */
#include "conf.h"
#include "file.h"
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define NAME_BYTES 256

static struct {
	char name[NAME_BYTES], next[NAME_BYTES]; /* of files */
	char text[CONF_BYTES];
	char entries[4096] __attribute__((aligned(8)));
	char program[1024]; /* its file */
} conf UD_TABLE;

static bool is_conf(const char *name)
{
	static const char end[] = ".conf";
	size_t n = __builtin_strlen(name), len = sizeof(end) - 1;

	return name[0] != '.' && n > len && n < NAME_BYTES &&
	       !__builtin_strcmp(name + n - len, end);
}

/* The first name behind conf.name goes there; false: there is none. */
static bool name_next(int dir)
{
	long n;

	conf.next[0] = 0;
	sys_call3(__NR_lseek, dir, 0, SEEK_SET);
	while ((n = sys_call3(__NR_getdents64, dir, (long)conf.entries, sizeof(conf.entries))) > 0)
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(conf.entries + at);

			at += d->d_reclen;
			if (is_conf(d->d_name) && __builtin_strcmp(d->d_name, conf.name) > 0 &&
				(!conf.next[0] || __builtin_strcmp(d->d_name, conf.next) < 0))
				out_snprintf(conf.next, sizeof(conf.next), "%s", d->d_name);
		}
	__builtin_memcpy(conf.name, conf.next, sizeof(conf.name));
	return conf.name[0];
}

static void warn(unsigned line, const char *why)
{
	out_line(2, "undangle: warning: %s/%s:%u: %s (ignored)", CONF_DIRECTORY, conf.name, line,
		why);
}

static void warn_file(const char *why, long err)
{
	out_line(2, "undangle: warning: %s/%s: %s%d (ignored)", CONF_DIRECTORY, conf.name, why,
		(int)err);
}

/* 0, or an error; conf.text is ended by a zero. A pipe has no text, and is not waited for. */
static long read_all(int dir)
{
	long fd = sys_openat(dir, conf.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), n;
	size_t at = 0;

	if (fd < 0)
		return fd;
	do {
		n = sys_read((int)fd, conf.text + at, sizeof(conf.text) - 1 - at);
		at += n > 0 ? (size_t)n : 0;
	} while (n > 0 && at < sizeof(conf.text) - 1);
	sys_close((int)fd);
	conf.text[at] = 0;
	return n < 0				  ? n
	       : at == sizeof(conf.text) - 1	  ? -EFBIG
	       : __builtin_strlen(conf.text) < at ? -ENOEXEC
						  : 0;
}

void conf_read(struct options *o, const char *execfn)
{
	int dir = (int)sys_openat(AT_FDCWD, CONF_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (dir < 0 && dir != -ENOENT) /* who may not read it is protected otherwise than it says */
		out_line(2, "undangle: warning: %s: cannot be read, error %d (ignored)",
			CONF_DIRECTORY, -dir);
	if (dir < 0)
		return;
	if (file_link("/proc/self/exe", conf.program, sizeof(conf.program)))
		execfn = conf.program;
	while (name_next(dir)) {
		long err = read_all(dir);

		if (err == -EFBIG)
			warn_file("is larger than 64 KB, error ", EFBIG);
		else if (err == -ENOEXEC)
			warn_file("is no text, error ", ENOEXEC);
		else if (err)
			warn_file("cannot be read, error ", -err);
		else
			conf_apply(o, conf.text, execfn, warn);
	}
	sys_close(dir);
}
