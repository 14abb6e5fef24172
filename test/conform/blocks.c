/*
 * blocks.c - conformance: files and directories by calls whose every argument lies in a block of the heap.
 * What is printed of a block is its sum or its text, never its address.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "conform.h"

static long total(const char *p, size_t n)
{
	long s = 0;

	for (size_t i = 0; i < n; i++)
		s += (unsigned char)p[i] * (long)(i % 13 + 1);
	return s;
}

/* A file of n bytes that are all different enough. */
static int filled_file(size_t n)
{
	char *p = block(n);
	int fd = temp_file(0);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + (i >> 8));
	must(write(fd, p, n) == (ssize_t)n && !lseek(fd, 0, SEEK_SET));
	free(p);
	return fd;
}

/* n parts of a block each, of 1 to 64 bytes. */
static struct iovec *parts(size_t n)
{
	struct iovec *v = block(n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct iovec){block(64), i % 64 + 1};
	return v;
}

static long parts_total(const struct iovec *v, size_t n)
{
	long s = 0;

	for (size_t i = 0; i < n; i++)
		s += total(v[i].iov_base, v[i].iov_len) * (long)(i + 1);
	return s;
}

static void vectors(void)
{
	int in = filled_file(70000), out = temp_file(0);
	struct iovec *v = parts(IOV_MAX + 1);

	say("readv %s", result(readv(in, v, IOV_MAX)));
	say("total %ld", parts_total(v, IOV_MAX));
	say("one too many %s", result(readv(in, v, IOV_MAX + 1)));
	say("of none %s", result(readv(in, v, 0)));
	say("of fewer %s", result(syscall(SYS_readv, in, v, -1)));
	say("preadv %s", result(preadv(in, v, 100, 69000)));
	say("preadv at the end %s", result(preadv(in, v, 100, 70000)));
	say("preadv before it %s", result(preadv(in, v, 100, -5)));
	say("preadv2 otherwise %s", result(preadv2(in, v, 3, 0, 1 << 20)));
	say("writev %s", result(writev(out, v, IOV_MAX)));
	say("pwritev %s", result(pwritev(out, v, 64, 1 << 20)));
	say("appended %s", result(pwritev2(out, v, 64, 0, RWF_APPEND)));
	v[3].iov_len = (size_t)-1;
	say("too long %s", result(readv(in, v, 8)));
	v[3].iov_len = SSIZE_MAX;
	say("sum too long %s", result(writev(out, v, 8)));
	v[3] = (struct iovec){nowhere(), 4};
	must(!lseek(in, 0, SEEK_SET));
	say("the fourth is bad %s", result(readv(in, v, 8)));
	say("to a place that cannot %s", result(readv(in, nowhere(), 2)));
	say("size %ld", (long)lseek(out, 0, SEEK_END));
	for (int i = 0; i <= IOV_MAX; i++)
		free(v[i].iov_base == nowhere() ? NULL : v[i].iov_base);
	free(v);
}

/* Past the cache the device writes to the block's own pages. */
static void direct(void)
{
	int fd = filled_file(1 << 20);
	char *p = NULL, *q = block(1 << 17);

	if (fcntl(fd, F_SETFL, O_DIRECT)) {
		say("no O_DIRECT here");
		return;
	}
	must(!posix_memalign((void **)&p, 4096, 1 << 17));
	say("read %s", result(pread(fd, p, 1 << 17, 4096)));
	must(fcntl(fd, F_SETFL, 0) == 0 && pread(fd, q, 1 << 17, 4096) == 1 << 17);
	say("the same %d", !memcmp(p, q, 1 << 17));
	memset(p, 5, 1 << 17);
	must(fcntl(fd, F_SETFL, O_DIRECT) == 0);
	say("write %s", result(pwrite(fd, p, 1 << 17, 1 << 19)));
	p = realloc(p, 1 << 16);
	must(fcntl(fd, F_SETFL, 0) == 0 && pread(fd, q, 1 << 17, 1 << 19) == 1 << 17);
	say("there %ld", total(q, 1 << 17));
	free(p);
	free(q);
}

static void copies(void)
{
	int in = filled_file(300000), out = temp_file(0), p[2];
	off_t *from = block(sizeof(*from)), *to = block(sizeof(*to));
	char *b = block(300000);

	must(!pipe(p));
	say_after(sendfile(out, in, from, 200000), "sendfile %s, at %ld", (long)*from);
	say_after(sendfile(out, in, from, 200000), "again %s, at %ld", (long)*from);
	*from = -1;
	say("before the file %s", result(sendfile(out, in, from, 5)));
	say("where it cannot %s", result(sendfile(out, in, nowhere(), 5)));
	*from = 100;
	*to = 300000;
	say("copy %s", result(copy_file_range(in, from, out, to, 1000, 0)));
	say("at %ld and %ld", (long)*from, (long)*to);
	say("copy otherwise %s", result(copy_file_range(in, from, out, to, 1000, 9)));
	say_after(splice(in, from, p[1], NULL, 5000, 0), "splice %s, at %ld", (long)*from);
	say_after(splice(p[0], NULL, out, to, 5000, 0), "out %s, at %ld", (long)*to);
	say("a pipe has no place %s", result(splice(p[0], from, out, to, 5000, 0)));
	say("read %s", result(pread(out, b, 300000, 0)));
	say("total %ld", total(b, 300000));
	free(from);
	free(to);
	free(b);
}

/* linux_dirent64: number, next place (8 bytes each), length, type, name. */
static int names_in(const char *p, long n, long *sum)
{
	unsigned short len;
	int names = 0;

	for (const char *e = p; e < p + n; e += len, names++) {
		memcpy(&len, e + 16, 2);
		*sum += total(e + 19, strlen(e + 19));
	}
	return names;
}

static void directories(void)
{
	char *dir = block(PATH_MAX), *p = block(1 << 15);
	int fd, n = 0;
	long got, sum = 0;

	temp_dir(dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 300; i++) {
		sprintf(p, "a-file-with-the-number-%d", i);
		must(!close(openat(fd, p, O_CREAT | O_WRONLY, 0600)));
	}
	say("too small %s", result(syscall(SYS_getdents64, fd, p, 8)));
	say("where it cannot %s", result(syscall(SYS_getdents64, fd, nowhere(), 1 << 15)));
	say("no directory %s", result(syscall(SYS_getdents64, 1, p, 1 << 15)));
	for (int size = 100; (got = syscall(SYS_getdents64, fd, p, size)) > 0; size = 1 << 15)
		n += names_in(p, got, &sum);
	say("%d names, %ld", n, sum);
	for (int i = 0; i < 300; i++) {
		sprintf(p, "a-file-with-the-number-%d", i);
		must(!unlinkat(fd, p, 0));
	}
	must(!rmdir(dir));
	say("of one that is gone %s", result(syscall(SYS_getdents64, fd, p, 1 << 15)));
	free(dir);
	free(p);
}

static void where(void)
{
	char *dir = block(PATH_MAX), *p = block(PATH_MAX), *q;

	temp_dir(dir);
	must(!chdir(dir));
	size_t n = strlen(dir);

	say("system call %d", syscall(SYS_getcwd, p, PATH_MAX) == (long)n + 1);
	say("just enough %d", getcwd(p, n + 1) == p && !strcmp(p, dir));
	say("too little %s", result(getcwd(p, n) ? 0 : -1));
	say("none %s", result(getcwd(p, 0) ? 0 : -1));
	say("where it cannot %s", result(syscall(SYS_getcwd, nowhere(), PATH_MAX)));
	say("of malloc %d", !strcmp(q = getcwd(NULL, 0), dir));
	free(q);
	say("of malloc, too little %s", result(getcwd(NULL, 2) ? 0 : -1));
	free(q = get_current_dir_name());
	must(!symlink("there", "here"));
	say("readlink %s", result(readlink("here", p, 3)));
	say("real %s", result(realpath("here", p) ? 0 : -1));
	say("real, of malloc %d", !strcmp(q = realpath(".", NULL), dir));
	free(q);
	must(!unlink("here") && !rmdir(dir));
	say("gone %s", result(getcwd(p, PATH_MAX) ? 0 : -1));
	say("gone, of malloc %s", result(getcwd(NULL, 0) ? 0 : -1));
	free(dir);
	free(p);
}

static void watches(void)
{
	char *dir = block(PATH_MAX), *path = block(PATH_MAX), *p = block(4096);
	int fd = inotify_init1(IN_NONBLOCK), wd;
	ssize_t got;

	temp_dir(dir);
	wd = inotify_add_watch(fd, dir, IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE);
	say("watch %d, nothing %s", wd, result(read(fd, p, 4096)));
	sprintf(path, "%s/one", dir);
	must(!close(open(path, O_CREAT | O_WRONLY, 0600)));
	say("too small %s", result(read(fd, p, 17)));
	sprintf(p, "%s/two", dir);
	must(!rename(path, p) && !unlink(p) && !rmdir(dir));
	while ((got = read(fd, p, 64)) > 0)
		for (char *e = p; e < p + got;) {
			struct inotify_event i;

			memcpy(&i, e, sizeof(i));
			say("%d 0x%x %s", i.wd, i.mask, i.len ? e + sizeof(i) : "-");
			e += sizeof(i) + i.len;
		}
	say("no more %s", result(got));
	say("of none %s", result(inotify_add_watch(fd, path, IN_CREATE)));
	free(dir);
	free(path);
	free(p);
}

static void watches_of_all(void)
{
	char *dir = block(PATH_MAX), *path = block(PATH_MAX + 8), *p = block(4096);
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
	unsigned long seen = 0;

	temp_dir(dir);
	sprintf(path, "%s/one", dir);
	say("watch %d", fd >= 0);
	say("mark %s", result(fanotify_mark(fd, FAN_MARK_ADD,
			       FAN_OPEN | FAN_CLOSE | FAN_EVENT_ON_CHILD, -1, dir)));
	say("of none %s", result(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, path)));
	say("where it cannot %s",
		result(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, nowhere())));
	say("nothing %s", result(read(fd, p, 4096)));
	must(!close(open(path, O_CREAT | O_WRONLY, 0600)));
	say("too small %s", result(read(fd, p, 10)));
	for (ssize_t got; (got = read(fd, p, 4096)) > 0;)
		for (char *e = p; e < p + got;) {
			struct fanotify_event_metadata m;

			memcpy(&m, e, sizeof(m));
			seen |= m.mask;
			e += m.event_len;
		}
	say("seen 0x%lx", seen);
	say("no more %s", result(read(fd, p, 4096)));
	must(!unlink(path) && !rmdir(dir));
	free(dir);
	free(path);
	free(p);
}

static void waits(void)
{
	int ep = epoll_create1(0), ev[20];
	struct epoll_event *e = block(sizeof(*e)), *got = block(30 * sizeof(*got));
	struct pollfd *p = block(20 * sizeof(*p));
	struct timespec *none = block(sizeof(*none));
	fd_set *set = block(sizeof(*set));
	sigset_t *mask = block(sizeof(*mask));

	for (int i = 0; i < 20; i++) {
		ev[i] = eventfd((unsigned)(i & 1), EFD_NONBLOCK);
		*e = (struct epoll_event){EPOLLIN | EPOLLONESHOT, {.u32 = (unsigned)i}};
		must(!epoll_ctl(ep, EPOLL_CTL_ADD, ev[i], e));
		p[i] = (struct pollfd){ev[i], POLLIN, 0};
		FD_SET(ev[i], set);
	}
	say("again %s", result(epoll_ctl(ep, EPOLL_CTL_ADD, ev[3], e)));
	say("itself %s", result(epoll_ctl(ep, EPOLL_CTL_ADD, ep, e)));
	say("three %s", result(epoll_pwait(ep, got, 3, 0, mask)));
	say("the rest %s", result(syscall(SYS_epoll_pwait2, ep, got, 30, none, mask, 8)));
	say("last %u", got[6].data.u32);
	say("once only %s", result(epoll_wait(ep, got, 30, 0)));
	say("room for none %s", result(epoll_wait(ep, got, 0, 0)));
	must(!epoll_ctl(ep, EPOLL_CTL_MOD, ev[1], e));
	say("where it cannot %s", result(epoll_wait(ep, nowhere(), 3, 0)));
	say("poll %s", result(poll(p, 20, 0)));
	say("ppoll %s", result(ppoll(p, 20, none, mask)));
	say("poll too many %s", result(poll(p, 1u << 30, 0)));
	say("select %s", result(pselect(ev[19] + 1, set, NULL, NULL, none, mask)));
	say("there %d %d", FD_ISSET(ev[0], set), FD_ISSET(ev[19], set));
	none->tv_nsec = -1;
	say("no time %s", result(ppoll(p, 20, none, NULL)));
	free(e);
	free(got);
	free(p);
	free(none);
	free(set);
	free(mask);
}

static void attributes(void)
{
	int fd = temp_file(100);
	char *v = block(1000), *name = strcpy(block(40), "user.a");
	struct stat *st = block(sizeof(*st));
	struct statx *sx = block(sizeof(*sx));
	struct statfs *fs = block(sizeof(*fs));
	struct timespec *t = block(2 * sizeof(*t));

	memset(v, 'v', 900);
	say("set %s", result(fsetxattr(fd, name, v, 200, XATTR_CREATE)));
	say("set again %s", result(fsetxattr(fd, name, v, 200, XATTR_CREATE)));
	say("length %s", result(fgetxattr(fd, name, NULL, 0)));
	say("too small %s", result(fgetxattr(fd, name, v, 10)));
	say("get %s", result(fgetxattr(fd, name, v, 1000)));
	say("list %s", result(flistxattr(fd, v, 1000)));
	say("none %s", result(fgetxattr(fd, strcpy(name, "user.b"), v, 1000)));
	t[0].tv_sec = t[1].tv_sec = 86400;
	t[1].tv_nsec = 5000;
	say("times %s", result(futimens(fd, t)));
	t[1].tv_nsec = 2000000000;
	say("no times %s", result(futimens(fd, t)));
	say("fstat %s", result(fstat(fd, st)));
	say("%ld bytes, %ld, %ld", (long)st->st_size, (long)st->st_mtime,
		(long)st->st_mtim.tv_nsec);
	say("statx %s", result(statx(fd, strcpy(name, ""), AT_EMPTY_PATH, STATX_SIZE, sx)));
	say("%ld bytes", (long)sx->stx_size);
	say("statx otherwise %s", result(statx(fd, name, AT_EMPTY_PATH, 1u << 31, sx)));
	say_after(fstatfs(fd, fs), "statfs %s, %d", fs->f_bsize > 0);
	say("where it cannot %s", result(syscall(SYS_fstat, fd, nowhere())));
	free(v);
	free(name);
	free(st);
	free(sx);
	free(fs);
	free(t);
}

/* Names of every length up to the limit, at the very end of their blocks. */
static void long_names(void)
{
	int counts[4] = {0};

	for (size_t n = 1; n < PATH_MAX + 3; n += n < 300 ? 1 : 61) {
		char *p = malloc(n + 1);

		memset(p, 'n', n);
		p[n] = 0;
		long r = access(p, R_OK);

		counts[r == 0 ? 0 : errno == ENOENT ? 1 : errno == ENAMETOOLONG ? 2 : 3]++;
		p = realloc(p, n * 2 + 1);
		counts[0] += p[n] != 0 || p[n - 1] != 'n';
		free(p);
	}
	say("there %d, none %d, too long %d, else %d", counts[0], counts[1], counts[2], counts[3]);
}

const struct conform_case blocks_cases[] = {
	{"blocks_vectors", vectors},
	{"blocks_direct", direct},
	{"blocks_copies", copies},
	{"blocks_directories", directories},
	{"blocks_where", where},
	{"blocks_watches", watches},
	{"blocks_watches_of_all", watches_of_all},
	{"blocks_waits", waits},
	{"blocks_attributes", attributes},
	{"blocks_long_names", long_names},
	{NULL, NULL},
};
