/*
 * helper.c - starts the helper and waits for it (helper.h). app context, fault path.
 *
 * The helper must be nobody's business: a child's child, so that the program's wait() never sees
 * it; without signal at its end; with none of the program's descriptors, preloads or options. Both
 * are made as vfork does it, sharing memory: nothing is copied however large the process is.
 * Between clone and execve there are raw system calls only, and every signal is blocked.
 */
#include "helper.h"
#include "base/base.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define PIPE_BYTES  (256 << 10) /* a report never fills it: there is nobody yet who reads */
#define PATH_BYTES  512
#define FD_LOW	    3 /* 0, 1 and 2 may be closed in the program */
#define STACK_BYTES 8192

/* glibc's own, by its other name */
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);

static struct {
	char path[PATH_BYTES];
	int report[2], answer[2]; /* pipes */
	int pid;
	long filters; /* there were so many at start; 0: none, or nobody looked */
	bool failed;
	char kept[2048]; /* environment */
	char *envp[12], *argv[8];
	char buf[4096];
	char stack[2][STACK_BYTES] __attribute__((aligned(16)));
} h UD_TABLE;

static const char *const passed_on[] = {
	"HOME=", "XDG_CACHE_HOME=", "DEBUGINFOD_CACHE_PATH=", "NO_COLOR=", "TERM=", NULL};

/* How many filters are obeyed here; < 0: nobody knows. Source: proc(5), Seccomp_filters is of Linux 5.9. */
static long filters_count(void)
{
	long n = -1;

	if (!file_text("/proc/thread-self/status", h.buf, sizeof(h.buf)))
		return -1;
	for (const char *p = h.buf; *p; p++)
		if (text_after(p, "\nSeccomp:\t0"))
			return 0;
		else if (text_after(p, "\nSeccomp_filters:"))
			n = (long)text_number(text_after(p, "\nSeccomp_filters:"));
	return n;
}

/*
 * A filter may kill for a clone: then it is better not to try. Those of a container, from before our start, let the
 * command make processes, where that is what began the run; and who asks for lines by name knows what they allow.
 */
static bool is_filtered(void)
{
	long n = filters_count();

	return n && !(n > 0 && n == h.filters && !filter_on);
}

static bool is_wanted(void)
{
	return (options.symbolize || options.format != FORMAT_TEXT) &&
	       options.backend != BACKEND_KVM; /* in ring 0 */
}

void helper_start(void)
{
	if (is_wanted() && (options.summary[0] || options.explicit >> OPTION_NTH_symbolize & 1))
		h.filters = filters_count();
}

/* Ours to run: a file of root's or the user's own, that not everybody may write. */
static bool is_helper(const char *path)
{
	struct stat st;

	return sys_call4(__NR_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == 0 &&
	       S_ISREG(st.st_mode) && st.st_mode & S_IXOTH && !(st.st_mode & S_IWOTH) &&
	       (st.st_uid == 0 || (long)st.st_uid == sys_call3(__NR_geteuid, 0, 0, 0));
}

/* Beside the library, or in the bin that belongs to its lib/undangle. */
static bool find_helper(void)
{
	static const char *const at[] = {"undangle", "../../bin/undangle"};
	size_t slash = 0;
	struct symbol s;

	if (!symbol_find((uintptr_t)find_helper, &s) || s.path[0] != '/')
		return false;
	for (size_t n = 0; s.path[n]; n++) {
		h.path[n] = s.path[n];
		slash = s.path[n] == '/' ? n + 1 : slash;
	}
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		out_snprintf(h.path + slash, sizeof(h.path) - slash, "%s", at[i]);
		if (is_helper(h.path))
			return true;
	}
	return false;
}

/* As the program got it: what it made of it since then may be a dead block. */
static void keep_environment(void)
{
	int fd = file_open("/proc/self/environ");
	long n;
	size_t from = 0, at = 0, k = 0;

	h.envp[k++] = (char *)(uintptr_t) "UNDANGLE_OPTIONS=no-symbolize";
	while (fd >= 0 && (n = sys_read(fd, h.buf, sizeof(h.buf))) > 0)
		for (long i = 0; i < n; i++) {
			if (at < sizeof(h.kept))
				h.kept[at++] = h.buf[i];
			if (h.buf[i])
				continue;
			bool whole = !h.kept[at - 1], wanted = false;

			for (size_t j = 0; whole && passed_on[j]; j++)
				wanted = wanted || text_after(h.kept + from, passed_on[j]);
			if (wanted && k < ARRAY_LEN(h.envp) - 1) {
				h.envp[k++] = h.kept + from;
				from = at;
			}
			at = from;
		}
	h.envp[k] = NULL;
	if (fd >= 0)
		sys_close(fd);
}

static void set_arguments(bool ask)
{
	static char rules[OPTION_STR_SIZE + 16];
	static char format[24], limit[24];
	char word[12];
	char terminal[64]; /* struct termios */
	size_t n = 0;

	out_snprintf(format, sizeof(format), "--format=%s",
		option_word("format", options.format, word, sizeof(word)));
	h.argv[n++] = (char *)(uintptr_t) "undangle";
	h.argv[n++] = (char *)(uintptr_t) "symbolize";
	out_snprintf(limit, sizeof(limit), "--child=%lu", options.symbolize_ms / 1000 + 2);
	h.argv[n++] = limit;
	h.argv[n++] = format;
	out_snprintf(rules, sizeof(rules), "--suppress=%s", options.suppress);
	if (ask)
		h.argv[n++] = rules;
	if (!options.symbolize)
		h.argv[n++] = (char *)(uintptr_t) "--no-lines";
	if (sys_call3(__NR_ioctl, log_fd(), TCGETS, (long)terminal) == 0)
		h.argv[n++] = (char *)(uintptr_t) "--color";
	h.argv[n] = NULL;
}

static bool pipe_open(int fd[2])
{
	long high;

	if (sys_is_err(sys_call3(__NR_pipe2, (long)fd, O_CLOEXEC, 0)))
		return false;
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= FD_LOW)
			continue;
		high = sys_call3(__NR_fcntl, fd[i], F_DUPFD_CLOEXEC, FD_LOW);
		sys_close(fd[i]);
		fd[i] = (int)high;
	}
	if (fd[0] >= 0 && fd[1] >= 0)
		return true;
	sys_close(fd[0]);
	sys_close(fd[1]);
	return false;
}

int helper_open(void)
{
	if (!is_wanted() || is_filtered() || !find_helper() || !pipe_open(h.report))
		return -1;
	sys_call3(__NR_fcntl, h.report[1], F_SETPIPE_SZ, PIPE_BYTES);
	/* Full: the end of the report is lost to the helper, but nobody waits for ever. */
	sys_call3(__NR_fcntl, h.report[1], F_SETFL, O_NONBLOCK);
	return h.report[1];
}

/* In the helper-to-be, which shares our memory. */
static int become_helper(void *unused)
{
	sys_call3(__NR_dup2, h.report[0], 0, 0);
	sys_call3(__NR_dup2, h.answer[1], 1, 0);
	sys_call3(__NR_close, 2, 0, 0);
	sys_openat(AT_FDCWD, "/dev/null", O_WRONLY, 0);
	sys_call3(__NR_close_range, 3, ~0U, 0);
	sys_call3(__NR_execve, (long)h.path, (long)h.argv, (long)h.envp);
	h.failed = true;
	return 1;
}

/* Its parent, which ends at once. */
static int between(void *unused)
{
	h.pid = __clone(become_helper, h.stack[1] + STACK_BYTES, CLONE_VM | CLONE_VFORK, NULL);
	return 0;
}

static void reap(int pid)
{
	while (sys_call4(__NR_wait4, pid, 0, __WALL, 0) == -EINTR)
		;
}

static bool start_helper(void)
{
	uint64_t all = ~0UL, old;
	int pid;

	h.failed = false;
	h.pid = 0;
	sys_sigmask(SIG_SETMASK, &all, &old);
	pid = __clone(between, h.stack[0] + STACK_BYTES, CLONE_VM | CLONE_VFORK, NULL);
	sys_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return false;
	reap(pid);
	return h.pid > 0 && !h.failed;
}

static long now_ms(void)
{
	return (long)(clock_fine_ns() / 1000000);
}

/* Something to read, or the end, before that moment? */
static bool arrives(int fd, long until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (long left = until - now_ms(); left > 0; left = until - now_ms()) {
		long r = sys_call3(__NR_poll, (long)&p, 1, left);

		if (r != -EINTR)
			return r > 0;
	}
	return false;
}

static void write_all(int fd, const char *p, long n)
{
	while (n > 0) {
		long r = sys_write(fd, p, (size_t)n);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return;
		p += r;
		n -= r;
	}
}

/*
 * It answers with all or nothing, so what begins to come comes to its end. To dst, whose last byte
 * stays, or to the log.
 */
static bool copy_answer(int fd, char *dst, size_t size)
{
	bool any = false;
	size_t at = 0;
	long n = 1;

	while (n > 0 && arrives(fd, now_ms() + (long)options.symbolize_ms)) {
		n = sys_read(fd, h.buf, sizeof(h.buf));
		if (!dst)
			write_all(log_fd(), h.buf, n);
		for (long i = 0; dst && i < n && at + 1 < size; i++)
			dst[at++] = h.buf[i];
		any = any || n > 0;
	}
	if (dst)
		dst[at] = 0;
	if (n > 0) /* it holds the pipe, so it is there */
		sys_call3(__NR_kill, h.pid, SIGKILL, 0);
	reap(h.pid); /* in a container's first process it is our child now */
	return any;
}

static bool run_helper(int fd, char *dst, size_t size)
{
	bool done = false;

	sys_close(fd);
	if (pipe_open(h.answer)) {
		keep_environment();
		set_arguments(dst);
		done = start_helper();
		sys_close(h.answer[1]);
		done = done && copy_answer(h.answer[0], dst, size);
		sys_close(h.answer[0]);
	}
	sys_close(h.report[0]);
	return done;
}

bool helper_answer(int fd)
{
	return run_helper(fd, NULL, 0);
}

bool helper_ask(int fd, char *dst, size_t size)
{
	return run_helper(fd, dst, size);
}

void helper_drop(int fd)
{
	sys_close(fd);
	sys_close(h.report[0]);
}
