/* fd.c - conformance: descriptors that close loops and limits must not confuse, and calls with
 * nested pointers. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "conform.h"

static void *nothing(void *p)
{
	return p;
}

static void touch(void *p)
{
	(void)*(volatile char *)p;
}

/* After every descriptor was closed: are threads, forks and faults still possible? */
static void live_on(const char *what)
{
	pthread_t t;
	struct fault f;
	char *p = pages(4096, PROT_NONE);
	pid_t c;

	must(!pthread_create(&t, NULL, nothing, NULL) && !pthread_join(t, NULL));
	c = fork();
	if (c == 0) {
		must(!pthread_create(&t, NULL, nothing, NULL) && !pthread_join(t, NULL));
		_exit(4);
	}
	say_wait(what, c);
	say("%s: fault %d, far page %d", what, fault_try(touch, p, &f),
		*pages(4ul << 30, PROT_READ));
}

static void fd_close_loop(void)
{
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	live_on("after a loop");
	say("first free %d", dup(1));
}

static void fd_close_range(void)
{
	say("close_range %ld", syscall(SYS_close_range, 3u, ~0u, 0u));
	live_on("after close_range");
	say("again %ld", syscall(SYS_close_range, 3u, ~0u, 0u));
	say("cloexec %ld", syscall(SYS_close_range, 3u, ~0u, 4u));
	live_on("after cloexec");
}

static void fd_closefrom(void)
{
	closefrom(3);
	live_on("closefrom");
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d) && atoi(e->d_name) < 512)
			close(atoi(e->d_name));
	live_on("by /proc/self/fd");
}

static void fd_dup_high(void)
{
	int p[2], good = 0;
	char c;

	must(!pipe(p));
	for (int fd = 512; fd < 1024; fd++) {
		must(dup2(p[1], fd) == fd);
		good += write(fd, "x", 1) == 1 && read(p[0], &c, 1) == 1;
	}
	say("%d of 512 usable", good);
	live_on("with them open");
	for (int fd = 512; fd < 1024; fd++)
		good += fcntl(fd, F_GETFD) == 0;
	say("still open %d", good - 512);
	for (int fd = 512; fd < 1024; fd++)
		close(fd);
	live_on("with them closed");
}

static void fd_lowest(void)
{
	int a = dup(1), b = dup(1), c = dup(1);

	say("%d %d %d", a, b, c);
	close(b);
	say("%d", open("/dev/null", O_RDONLY));
	int p[2];

	must(!pipe(p));
	say("%d %d", p[0], p[1]);
	say("dupfd %d", fcntl(1, F_DUPFD, 200));
	say("close nothing %s", result(close(150)));
}

static void fd_limit(void)
{
	int n = 0, fd;

	must(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){40, 40}));
	while ((fd = dup(1)) >= 0)
		n++;
	say("%d more, errno %d", n, errno);
	for (int i = 20; i < 40; i++)
		close(i);
	live_on("under the limit");
	say("dup2 above it %s", result(dup2(1, 60)));
}

static void cloexec_seen(void)
{
	say("kept %d, closed %d", fcntl(100, F_GETFD), fcntl(101, F_GETFD));
}

static void cloexec_exec(void *unused)
{
	dup2(1, 100);
	dup3(1, 101, O_CLOEXEC);
	conform_exec(".cloexec_seen", NULL, NULL);
}

static void fd_cloexec(void)
{
	say_wait("exec", child_start(cloexec_exec, NULL));
}

static void fd_vectors(void)
{
	char *a = strcpy(block(8), "one "), *b = strcpy(block(8), "two "),
	     *c = strcpy(block(8), "three");
	char *got = block(32), *d = block(5), *e = block(20);
	struct iovec w[] = {{a, 4}, {b, 4}, {NULL, 0}, {c, 5}}, *r = block(2 * sizeof(*r));

	r[0] = (struct iovec){d, 4};
	r[1] = (struct iovec){e, 19};
	int fd = temp_file(0);

	say("writev %zd", writev(fd, w, 4));
	say("pread %zd %s", pread(fd, got, 31, 0), got);
	say("preadv %zd %s|%s", preadv(fd, r, 2, 0), d, e);
	w[1].iov_base = (void *)8;
	say("bad second %zd", writev(fd, w, 4));
	say("too many %s", result(syscall(SYS_writev, fd, w, 5000)));
	say("pwritev2 %zd", pwritev2(fd, w, 1, 100, 0));
	int out = temp_file(0);
	off_t from = 4;

	say("sendfile %s", result(sendfile(out, fd, &from, 4)));
	say("at %ld", (long)from);
	struct stat st;

	must(!fstat(out, &st));
	say("size %ld", (long)st.st_size);
}

static void fd_messages(void)
{
	int s[2], got = -1, pipefd[2];
	char *text = strcpy(block(16), "message"), *in = block(16);
	char *control = block(CMSG_SPACE(sizeof(int)));
	struct iovec iov = {text, 8};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	must(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s) && !pipe(pipefd));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pipefd[1], sizeof(int));
	say("sendmsg %zd", sendmsg(s[0], &m, 0));
	iov.iov_base = in;
	iov.iov_len = 16;
	memset(control, 0, CMSG_SPACE(sizeof(int)));
	say("recvmsg %zd %s", recvmsg(s[1], &m, 0), in);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	must(write(got, "by the passed one", 18) == 18);
	char back[32] = "";

	say("read %zd %s", read(pipefd[0], back, 32), back);
	struct mmsghdr mm[2] = {{.msg_hdr = {.msg_iov = &(struct iovec){"a", 1}, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &(struct iovec){"bc", 2}, .msg_iovlen = 1}}};

	say("sendmmsg %s", result(sendmmsg(s[0], mm, 2, 0)));
	say("sent %u %u", mm[0].msg_len, mm[1].msg_len);
	char x[4], y[4];
	struct mmsghdr rr[2] = {{.msg_hdr = {.msg_iov = &(struct iovec){x, 4}, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &(struct iovec){y, 4}, .msg_iovlen = 1}}};

	say("recvmmsg %s", result(recvmmsg(s[1], rr, 2, 0, NULL)));
	say("got %u %u", rr[0].msg_len, rr[1].msg_len);
}

static void *tcp_client(void *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = (in_port_t)(long)port};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	char *big = block(300000);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!connect(s, (struct sockaddr *)&a, sizeof(a)));
	memset(big, 'z', 300000);
	for (size_t done = 0; done < 300000;) {
		ssize_t n = send(s, big + done, 300000 - done, 0);

		must(n > 0);
		done += (size_t)n;
	}
	close(s);
	return NULL;
}

static void fd_tcp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char *buf = block(70000);
	long total = 0;
	ssize_t n;
	pthread_t t;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	must(!bind(l, (struct sockaddr *)&a, sizeof(a)) && !listen(l, 5));
	must(!getsockname(l, (struct sockaddr *)&a, &len));
	must(!pthread_create(&t, NULL, tcp_client, (void *)(long)a.sin_port));
	int s = accept(l, (struct sockaddr *)&a, &len);

	say("accepted %d from loopback %d", s >= 0, a.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	while ((n = recv(s, buf, 70000, 0)) > 0)
		total += n;
	pthread_join(t, NULL);
	say("%ld bytes", total);
}

static void fd_events(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, EFD_NONBLOCK),
	    tm = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, got[4];
	uint64_t v = 5;
	struct itimerspec its = {{0}, {0, 1000000}};

	must(!epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
	say("nothing %d", epoll_wait(ep, got, 4, 0));
	must(write(ev, &v, 8) == 8 && write(ev, &v, 8) == 8);
	say("ready %d", epoll_wait(ep, got, 4, -1));
	say("data 0x%lx", (unsigned long)got[0].data.u64);
	say("read %zd", read(ev, &v, 8));
	say("value %lu", (unsigned long)v);
	say("empty %s", result(read(ev, &v, 8)));
	must(!timerfd_settime(tm, 0, &its, NULL));
	e.data.u64 = 9;
	must(!epoll_ctl(ep, EPOLL_CTL_ADD, tm, &e));
	say("timer %d", epoll_wait(ep, got, 4, -1) > 0);
	must(poll(&(struct pollfd){.fd = tm, .events = POLLIN}, 1, -1) == 1);
	say("read %zd", read(tm, &v, 8));
	say("expirations %lu", (unsigned long)v);
	struct pollfd p[2] = {{.fd = ev, .events = POLLIN | POLLOUT}, {.fd = -1, .events = POLLIN}};

	say("poll %d", poll(p, 2, -1));
	say("0x%x 0x%x", p[0].revents, p[1].revents);
}

static void fd_locks(void)
{
	char path[] = "/tmp/conform-lock.XXXXXX";
	int fd = mkstemp(path);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

	must(!flock(fd, LOCK_EX) && !fcntl(fd, F_SETLK, &l));
	pid_t p = fork();

	if (p == 0) {
		int other = open(path, O_RDWR);
		struct flock q = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 20};

		say("flock %s", result(flock(other, LOCK_EX | LOCK_NB)));
		say("fcntl %s", result(fcntl(other, F_SETLK, &q)));
		must(!fcntl(other, F_GETLK, &q));
		say("held by the parent %d len %ld", q.l_pid == getppid(), (long)q.l_len);
		_exit(0);
	}
	say_wait("child", p);
	unlink(path);
}

static void fd_files(void)
{
	char dir[] = "/tmp/conform-dir.XXXXXX", path[64], link[64] = "";
	struct stat st;
	DIR *d;
	struct dirent *e;
	int n = 0, bytes;

	must(mkdtemp(dir));
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%s/f%d", dir, i);
		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);

		must(fd >= 0 && write(fd, path, (size_t)i) == i && !close(fd));
	}
	d = opendir(dir);
	while ((e = readdir(d)))
		n += e->d_name[0] == 'f' && !fstatat(dirfd(d), e->d_name, &st, 0) &&
		     st.st_size == atoi(e->d_name + 1);
	closedir(d);
	say("%d files with their sizes", n);
	snprintf(path, sizeof(path), "%s/link", dir);
	must(!symlink("target", path));
	say("readlink %zd %s", readlink(path, link, sizeof(link)), link);
	unlink(path);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%s/f%d", dir, i);
		must(!unlink(path));
	}
	say("rmdir %s", result(rmdir(dir)));
	say("stat %s", result(stat(dir, &st)));
	int p[2];

	must(!pipe(p) && write(p[1], "12345", 5) == 5);
	say("FIONREAD %d", ioctl(p[0], FIONREAD, &bytes));
	say("%d", bytes);
	say("tty %s", result(isatty(p[0])));
}

/* Which numbers are open, asked in every way that programs ask. */
static void fd_scan(void)
{
	struct stat st;
	char c;

	for (int fd = 0; fd < 5000; fd++) {
		int open = fcntl(fd, F_GETFD) >= 0;
		int other = dup(fd);

		if (other >= 0)
			close(other);
		if (open || other >= 0 || !fstat(fd, &st) || !syscall(SYS_fstat, fd, &st) ||
			(lseek(fd, 0, SEEK_CUR) < 0 && errno != EBADF) || !read(fd, &c, 0) ||
			!write(fd, &c, 0))
			say("%d: open %d, dup %d", fd, open, other >= 0);
	}
}

const struct conform_case fd_cases[] = {
	{"fd_scan", fd_scan},
	{"fd_close_loop", fd_close_loop},
	{"fd_close_range", fd_close_range},
	{"fd_closefrom", fd_closefrom},
	{"fd_dup_high", fd_dup_high},
	{"fd_lowest", fd_lowest},
	{"fd_limit", fd_limit},
	{"fd_cloexec", fd_cloexec},
	{".cloexec_seen", cloexec_seen},
	{"fd_vectors", fd_vectors},
	{"fd_messages", fd_messages},
	{"fd_tcp", fd_tcp},
	{"fd_events", fd_events},
	{"fd_locks", fd_locks},
	{"fd_files", fd_files},
	{NULL, NULL},
};
