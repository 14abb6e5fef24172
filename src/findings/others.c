/*
 * others.c - see others.h. app context. Source: proc(5), getdents(2).
 *
 * Of a process with very many threads it looks at the first ones only.
 */
#include "others.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/single_threaded.h>

#define TASKS "/proc/self/task"

static bool task_runs(size_t tid)
{
	char path[64], text[256];

	out_snprintf(path, sizeof(path), TASKS "/%zu/stat", tid);
	return file_stat(path, text, sizeof(text))[0] == 'R';
}

bool others_run(void)
{
	char buf[1024] __attribute__((aligned(8)));
	bool any = false;
	size_t mine;
	long n;
	int fd;

	if (__libc_single_threaded)
		return false;
	fd = (int)sys_openat(AT_FDCWD, TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	mine = (size_t)sys_gettid();
	n = sys_call3(__NR_getdents64, fd, (long)buf, sizeof(buf));
	for (long at = 0; at < n && !any;) {
		const struct dirent64 *d = (const void *)(buf + at);
		size_t tid = text_number(d->d_name); /* 0: "." and ".." */

		any = tid && tid != mine && task_runs(tid);
		at += d->d_reclen;
	}
	sys_close(fd);
	return any;
}
