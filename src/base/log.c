/* log.c - see log.h. app context. The program may close any descriptor: so look before writing. */
#include "log.h"
#include "options.h"
#include "out.h"
#include "sys.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define FD_HIGH 900 /* out of the way of programs that expect small numbers */

static struct {
	int fd, pid;
	dev_t dev;
	ino_t ino;
} file = {.fd = -1};

static bool still_ours(void)
{
	struct stat st;

	return file.fd >= 0 && file.pid == sys_getpid() &&
	       sys_call3(__NR_fstat, file.fd, (long)&st, 0) == 0 && st.st_dev == file.dev &&
	       st.st_ino == file.ino;
}

static void expand(char *dst, size_t size, const char *pattern)
{
	size_t n = 0;

	for (; *pattern && n + 1 < size; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			n += out_snprintf(dst + n, size - n, "%d", sys_getpid());
			pattern++;
		} else {
			dst[n++] = *pattern;
		}
	}
	dst[n] = 0;
}

static int kept = 2;

void log_keep_stderr(void)
{
	int fd = (int)sys_call3(__NR_fcntl, 2, F_DUPFD_CLOEXEC, FD_HIGH);

	if (fd >= 0)
		kept = fd;
}

int log_fd(void)
{
	char path[OPTION_STR_SIZE + 16];
	struct stat st;
	int fd, high;

	if (!options.log[0])
		return sys_is_err(sys_call3(__NR_fcntl, 2, F_GETFD, 0)) ? kept : 2;
	if (still_ours())
		return file.fd;
	expand(path, sizeof(path), options.log);
	fd = (int)sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return 2;
	high = (int)sys_call3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, FD_HIGH);
	if (high >= 0) {
		sys_close(fd);
		fd = high;
	}
	if (sys_call3(__NR_fstat, fd, (long)&st, 0) == 0) {
		file.fd = fd;
		file.pid = sys_getpid();
		file.dev = st.st_dev;
		file.ino = st.st_ino;
	}
	return fd;
}
