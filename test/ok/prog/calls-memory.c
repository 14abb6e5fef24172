// Calls that map, advise and carry memory, on blocks of the heap: what they answer, refusals too, and
// what the blocks hold afterwards.
// also: strict,deferred,test
// host-only: no ring of the kernel's (AIO, io_uring) there
#include "ok.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <malloc.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE 4096
#define BAD  ((void *)8)

static void told(const char *what, long r)
{
	say("%s: %ld %s", what, r, r < 0 ? strerrorname_np(errno) : "");
}

static int sum(const unsigned char *p, size_t n)
{
	int s = 0;

	while (n--)
		s += *p++;
	return s;
}

static char *block(size_t n, int fill)
{
	char *p = memalign(PAGE, n);

	check(p);
	memset(p, fill, n);
	return p;
}

static int scratch(void)
{
	char *name = strdup("scratch");
	int fd = syscall(SYS_memfd_create, name, 0);

	free(name);
	check(fd >= 0);
	return fd;
}

static void advice(void)
{
	static const int kinds[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTDUMP, MADV_DODUMP, MADV_POPULATE_READ, MADV_POPULATE_WRITE, 999};
	char *p = block(8 * PAGE, 1), what[32];

	for (size_t i = 0; i < ARRAY_N(kinds); i++) {
		sprintf(what, "advice %d", kinds[i]);
		told(what, madvise(p, 8 * PAGE, kinds[i]));
	}
	told("advice for no page", madvise(p, 0, MADV_NORMAL));
	told("advice within a page", madvise(p + 1, PAGE, MADV_NORMAL));
	told("advice too long", madvise(p, -(size_t)PAGE, MADV_NORMAL));
	say("kept %d", sum((unsigned char *)p, 8 * PAGE));
	told("not needed", madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	say("left %d", sum((unsigned char *)p, 8 * PAGE));
	memset(p, 2, 8 * PAGE);
	say("again %d", sum((unsigned char *)p, 8 * PAGE));
	free(p);
}

static void protection(void)
{
	char *p = block(8 * PAGE, 3);
	int fd[2];

	check(!pipe(fd) && write(fd[1], "abc", 3) == 3);
	told("read only", mprotect(p + PAGE, PAGE, PROT_READ));
	told("read into it", read(fd[0], p + PAGE, 1));
	told("write from it", write(fd[1], p + PAGE, 1));
	told("none", mprotect(p + PAGE, PAGE, PROT_NONE));
	told("write from none", write(fd[1], p + PAGE, 1));
	told("both", mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	told("read into both", read(fd[0], p + PAGE, 2));
	told("no such protection", mprotect(p, PAGE, 1 << 30));
	told("within a page", mprotect(p + 1, PAGE, PROT_READ));
	told("both ways", mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
	told("too long", mprotect(p, -(size_t)PAGE, PROT_READ));
	say("kept %d", sum((unsigned char *)p, 8 * PAGE));
	free(p);
	close(fd[0]);
	close(fd[1]);
}

static void presence(void)
{
	char *p = block(8 * PAGE, 4);
	unsigned char *in = malloc(8);

	told("mincore", mincore(p, 8 * PAGE, in));
	say("there %d", (in[0] & 1) + (in[7] & 1));
	told("mincore within a page", mincore(p + 1, PAGE, in));
	told("mincore too long", mincore(p, -(size_t)PAGE, in));
	told("mincore to nowhere", mincore(p, PAGE, BAD));
	told("mlock", mlock(p, 3 * PAGE));
	told("mlock2", mlock2(p + PAGE, 100, 1));
	told("mlock2 otherwise", mlock2(p, PAGE, 1 << 12));
	told("munlock", munlock(p, 8 * PAGE));
	told("mlock too long", mlock(p, -(size_t)1 - 5 * PAGE));
	told("msync", msync(p, 8 * PAGE, MS_SYNC));
	told("msync two ways", msync(p, PAGE, MS_SYNC | MS_ASYNC));
	told("msync otherwise", msync(p, PAGE, 64));
	told("msync within a page", msync(p + 1, PAGE, MS_SYNC));
	say("kept %d", sum((unsigned char *)p, 8 * PAGE));
	free(in);
	free(p);
}

#define FAILED(call) ((call) == MAP_FAILED ? -1L : 0L)

static void refused_maps(void)
{
	char *p = block(8 * PAGE, 5), *q;
	const int some = MAP_PRIVATE | MAP_ANONYMOUS;

	told("over it", FAILED(mmap(p, PAGE, PROT_READ, some | MAP_FIXED_NOREPLACE, -1, 0)));
	told("within a page", FAILED(mmap(p + 1, PAGE, PROT_READ, some | MAP_FIXED, -1, 0)));
	told("nothing over it", FAILED(mmap(p, 0, PROT_READ, some | MAP_FIXED, -1, 0)));
	told("no file over it", FAILED(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0)));
	told("no kind over it", FAILED(mmap(p, PAGE, PROT_READ, MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
	q = mmap(p, PAGE, PROT_READ, some, -1, 0);
	say("beside it %d, zero %d", q != MAP_FAILED && (q < p || q >= p + 8 * PAGE), *q == 0);
	munmap(q, PAGE);
	told("move within a page", FAILED(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE)));
	told("move to nothing", FAILED(mremap(p, PAGE, 0, MREMAP_MAYMOVE)));
	told("move otherwise", FAILED(mremap(p, PAGE, PAGE, 64)));
	told("must and may not move", FAILED(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + PAGE)));
	told("move onto itself",
		FAILED(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE)));
	told("unmap within a page", munmap(p + 1, PAGE));
	told("unmap nothing", munmap(p, 0));
	say("kept %d", sum((unsigned char *)p, 8 * PAGE));
	free(p);
}

static void pipes(void)
{
	struct iovec *v = calloc(2, sizeof(*v));
	char *p = block(2 * PAGE, 'p'), *q = block(2 * PAGE, 0);
	loff_t *off = calloc(2, sizeof(*off));
	int a[2], b[2], fd = scratch(), to = scratch();

	check(!pipe(a) && !pipe(b));
	v[0] = (struct iovec){p, 100};
	v[1] = (struct iovec){p + PAGE, 50};
	told("vmsplice", vmsplice(a[1], v, 2, 0));
	told("vmsplice otherwise", vmsplice(a[1], v, 2, 1 << 10));
	told("vmsplice from nowhere", vmsplice(a[1], BAD, 1, 0));
	told("tee", tee(a[0], b[1], 120, 0));
	told("tee to itself", tee(a[0], a[1], 10, 0));
	off[0] = 10;
	told("splice", splice(a[0], NULL, fd, off, 150, 0));
	say("at %ld", (long)off[0]);
	told("splice without a pipe", splice(fd, NULL, to, NULL, 10, 0));
	told("splice a pipe's place", splice(b[0], off, fd, NULL, 10, 0));
	told("read", read(b[0], q, 2 * PAGE));
	off[0] = 10;
	off[1] = 5;
	told("copy_file_range", copy_file_range(fd, off, to, off + 1, 100, 0));
	say("at %ld and %ld", (long)off[0], (long)off[1]);
	told("copy_file_range otherwise", copy_file_range(fd, off, to, off + 1, 1, 77));
	told("sendfile", sendfile(to, fd, off, 50));
	told("preadv2", preadv2(to, v, 2, 5, 0));
	told("preadv2 otherwise", preadv2(to, v, 2, 0, 1 << 20));
	told("preadv2 no place", preadv2(to, v, 2, -5, 0));
	v[1].iov_len = -1;
	told("preadv2 too long", preadv2(to, v, 2, 0, 0));
	told("pwritev2", pwritev2(to, v, 1, -1, 0));
	told("too many", syscall(SYS_readv, to, v, 5000));
	say("sums %d %d", sum((unsigned char *)p, 2 * PAGE), sum((unsigned char *)q, 2 * PAGE));
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
	close(fd);
	close(to);
	free(v);
	free(p);
	free(q);
	free(off);
}

static void messages(void)
{
	struct mmsghdr *m = calloc(3, sizeof(*m));
	struct iovec *v = calloc(3, sizeof(*v));
	struct timespec *no_time = calloc(1, sizeof(*no_time));
	int s[2];

	check(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	for (int i = 0; i < 3; i++) {
		v[i] = (struct iovec){block(100, 'a' + i), 10 * (i + 1)};
		m[i].msg_hdr = (struct msghdr){.msg_iov = v + i, .msg_iovlen = 1};
	}
	told("sendmmsg", sendmmsg(s[0], m, 3, 0));
	say("lengths %u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	told("recvmmsg, one for now", recvmmsg(s[1], m, 1, MSG_DONTWAIT, no_time));
	told("recvmmsg", recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL));
	say("got %.10s %.10s", (char *)v[0].iov_base, (char *)v[1].iov_base);
	told("recvmmsg, nothing", recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL));
	no_time->tv_nsec = -1;
	told("recvmmsg, no time", recvmmsg(s[1], m, 1, MSG_DONTWAIT, no_time));
	told("sendmmsg from nowhere", sendmmsg(s[0], BAD, 1, 0));
	v[1].iov_base = BAD;
	told("sendmmsg half", sendmmsg(s[0], m, 2, 0));
	free(v[0].iov_base);
	free(v[2].iov_base);
	free(v);
	free(m);
	free(no_time);
	close(s[0]);
	close(s[1]);
}

static void names(void)
{
	struct statx *st = calloc(1, sizeof(*st));
	char *path = strdup("/dev/null"), *long_name = block(300, 'n'), *p = malloc(300);

	long_name[299] = 0;
	told("statx", statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, st));
	say("mode %o", st->stx_mode);
	told("statx otherwise", statx(AT_FDCWD, path, 0x80000, 0, st));
	told("statx of what is kept back", statx(AT_FDCWD, path, 0, STATX__RESERVED, st));
	told("statx to nowhere", statx(AT_FDCWD, path, 0, 0, BAD));
	path[0] = 0;
	told("statx of nothing", statx(AT_FDCWD, path, 0, 0, st));
	told("memfd too long", memfd_create(long_name, 0));
	told("memfd otherwise", memfd_create(path, 1 << 20));
	told("getrandom", getrandom(p, 200, 1));
	told("getrandom otherwise", getrandom(p, 200, 64));
	told("getentropy", getentropy(p, 256));
	told("getentropy too much", getentropy(p, 257));
	free(st);
	free(path);
	free(long_name);
	free(p);
}

static void aio(void)
{
	aio_context_t *ctx = calloc(1, sizeof(*ctx));
	struct iocb *c = calloc(2, sizeof(*c)), **list = calloc(2, sizeof(*list));
	struct io_event *e = calloc(2, sizeof(*e));
	char *p = block(PAGE, 'w'), *q = block(PAGE, 0);
	int fd = scratch();

	told("io_setup of none", syscall(SYS_io_setup, 0, ctx));
	if (syscall(SYS_io_setup, 2, ctx)) {
		say("no AIO here");
		return;
	}
	told("io_setup again", syscall(SYS_io_setup, 2, ctx));
	for (int i = 0; i < 2; i++) {
		c[i] = (struct iocb){.aio_fildes = fd,
			.aio_lio_opcode = i ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
			.aio_buf = (uintptr_t)(i ? q : p),
			.aio_nbytes = 1000,
			.aio_data = i};
		list[0] = c + i;
		told("io_submit", syscall(SYS_io_submit, *ctx, 1, list));
		told("io_getevents", syscall(SYS_io_getevents, *ctx, 1, 2, e, NULL));
		say("event %d: %ld", (int)e[0].data, (long)e[0].res);
	}
	list[1] = BAD;
	told("io_submit half", syscall(SYS_io_submit, *ctx, 2, list));
	told("io_submit from nowhere", syscall(SYS_io_submit, *ctx, 1, list + 1));
	c[0].aio_fildes = -1;
	list[0] = c;
	told("io_submit no file", syscall(SYS_io_submit, *ctx, 1, list));
	told("io_destroy", syscall(SYS_io_destroy, *ctx));
	told("io_destroy again", syscall(SYS_io_destroy, *ctx));
	say("sum %d", sum((unsigned char *)q, PAGE));
	close(fd);
	free(ctx);
	free(c);
	free(list);
	free(e);
	free(p);
	free(q);
}

static void ring_one(const struct io_uring_params *u, int ring, char *sq, struct io_uring_sqe *s)
{
	struct io_uring_cqe *done = (void *)(sq + u->cq_off.cqes);
	unsigned *tail = (void *)(sq + u->sq_off.tail), *head = (void *)(sq + u->cq_off.head);
	unsigned *array = (void *)(sq + u->sq_off.array);
	unsigned at = *tail & (u->sq_entries - 1);

	array[at] = 0; /* always the first entry */
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	told("enter", syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	say("operation %d: %d", s->opcode, done[*head & (u->cq_entries - 1)].res);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
}

/* As any program with a ring; what it names in the entries is of the heap. */
static void uring(void)
{
	struct io_uring_params *u = calloc(1, sizeof(*u));
	struct iovec *v = calloc(1, sizeof(*v));
	char *p = block(PAGE, 'u'), *q = block(PAGE, 0), *rings;
	int fd = scratch(), ring = syscall(SYS_io_uring_setup, 4, u);
	struct io_uring_sqe *s;

	if (ring < 0 || !(u->features & IORING_FEAT_SINGLE_MMAP)) {
		say("no io_uring here");
		return;
	}
	size_t sq = u->sq_off.array + u->sq_entries * sizeof(unsigned);
	size_t cq = u->cq_off.cqes + u->cq_entries * sizeof(struct io_uring_cqe);

	rings = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		IORING_OFF_SQ_RING);
	s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	check(rings != MAP_FAILED && s != MAP_FAILED);
	*v = (struct iovec){p, 1000};
	*s = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITEV, .fd = fd, .addr = (uintptr_t)v, .len = 1};
	ring_one(u, ring, rings, s);
	*s = (struct io_uring_sqe){
		.opcode = IORING_OP_READV, .fd = fd, .addr = (uintptr_t)v, .len = 1};
	v->iov_base = q;
	ring_one(u, ring, rings, s);
	s->fd = -1;
	ring_one(u, ring, rings, s);
	*v = (struct iovec){p, PAGE};
	told("buffers", syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, v, 1));
	*s = (struct io_uring_sqe){
		.opcode = IORING_OP_READ_FIXED, .fd = fd, .addr = (uintptr_t)p, .len = 500};
	memset(p, 0, PAGE);
	ring_one(u, ring, rings, s);
	told("no setup", syscall(SYS_io_uring_setup, 0, u));
	say("sums %d %d", sum((unsigned char *)p, PAGE), sum((unsigned char *)q, PAGE));
	close(ring);
	close(fd);
	free(u);
	free(v);
	free(p);
	free(q);
}

int main(void)
{
	advice();
	protection();
	presence();
	refused_maps();
	pipes();
	messages();
	names();
	aio();
	uring();
	return done();
}
