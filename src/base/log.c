/* log.c - see log.h. app context. The program may close any descriptor: so look before writing. */
#include "log.h"
#include "file.h"
#include "options.h"
#include "out.h"
#include "sys.h"

#include <fcntl.h>
#include <signal.h>
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

void log_name(char *dst, size_t size, const char *pattern)
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

static int kept = -1;
static struct {
	bool looked, open;
	dev_t dev;
	ino_t ino;
} at_start;

void log_start(void)
{
	struct stat st;

	at_start.looked = true;
	at_start.open = sys_call3(__NR_fstat, 2, (long)&st, 0) == 0;
	at_start.dev = st.st_dev;
	at_start.ino = st.st_ino;
}

/* Terminals, /dev/null and what is only ever appended to may have taken its place on purpose. */
static bool is_for_text(void)
{
	struct stat st;

	if (sys_call3(__NR_fstat, 2, (long)&st, 0) != 0)
		return false;
	if (!at_start.looked ||
		(at_start.open && st.st_dev == at_start.dev && st.st_ino == at_start.ino))
		return true;
	return S_ISCHR(st.st_mode) ||
	       (S_ISREG(st.st_mode) && sys_call3(__NR_fcntl, 2, F_GETFL, 0) & O_APPEND);
}

static int stderr_fd(void)
{
	return is_for_text() ? 2 : kept;
}

void log_keep_stderr(void)
{
	int fd = (int)sys_call3(__NR_fcntl, 2, F_DUPFD_CLOEXEC, FD_HIGH);

	if (fd >= 0)
		kept = fd;
}

static bool given_up;

bool log_give_up(void)
{
	bool had = options.log[0] && !given_up;

	given_up = true;
	return had;
}

int log_fd(void)
{
	char path[OPTION_STR_SIZE + 16];
	struct stat st;
	int fd, high;

	if (!options.log[0] || given_up)
		return stderr_fd();
	if (still_ours())
		return file.fd;
	log_name(path, sizeof(path), options.log);
	fd = (int)sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return stderr_fd();
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

int log_create(const char *name)
{
	char path[OPTION_STR_SIZE + 16];

	log_name(path, sizeof(path), name);
	return (int)sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

#define BROKEN (1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1))

void log_hold(struct log_hold *h)
{
	const uint64_t bits = BROKEN;

	h->was = h->waited = BROKEN; /* where a filter forbids to ask */
	sys_sigmask(SIG_BLOCK, &bits, &h->was);
	sys_call3(__NR_rt_sigpending, (long)&h->waited, 8, 0);
}

void log_release(const struct log_hold *h)
{
	const uint64_t ours = BROKEN & ~h->waited, back = BROKEN & ~h->was;
	const struct timespec now = {0};

	while (sys_call4(__NR_rt_sigtimedwait, (long)&ours, 0, (long)&now, 8) > 0)
		;
	sys_sigmask(SIG_UNBLOCK, &back, NULL);
}

static void line(const char *begin, const char *fmt, va_list ap)
{
	struct log_hold hold;
	struct out o;

	log_hold(&hold);
	out_init(&o, log_fd());
	out_str(&o, begin);
	out_vfmt(&o, fmt, ap);
	out_char(&o, '\n');
	out_flush(&o);
	log_release(&hold);
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("", fmt, ap);
	va_end(ap);
}

void log_warn(_Atomic bool *said, const char *fmt, ...)
{
	va_list ap;

	if (options.quiet || (said && atomic_exchange(said, true)))
		return;
	va_start(ap, fmt);
	line("undangle: warning: ", fmt, ap);
	va_end(ap);
}

void log_stat(struct out *o, const char *fmt, ...)
{
	static char name[32];
	static int of;
	va_list ap;

	if (of != sys_getpid()) { /* once in a process, for there are ten lines */
		file_line("/proc/self/comm", name, sizeof(name));
		of = sys_getpid();
	}
	out_fmt(o, "undangle: %d (%s): ", sys_getpid(), name);
	va_start(ap, fmt);
	out_vfmt(o, fmt, ap);
	va_end(ap);
	out_char(o, '\n');
}
