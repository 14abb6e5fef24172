// sources: src/kvm/translate.c src/base/calls.c
/* Translation with fake aliases over real buffers, one case per shape that can be nested. */
#include "unit.h"
#include "kvm/translate.h"

#include <errno.h>
#include <linux/futex.h>
#include <net/if.h>
#include <stdalign.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define ALIAS 0x100000000000UL
#define PAGES 64

/* Alias page i shows canon[i]; NULL = not an alias; state DEAD keeps it as a tombstone. */
static unsigned char *canon[PAGES];
static bool is_dead[PAGES];
static alignas(4096) unsigned char memory[16 * 4096], spare[16 * 4096];
static alignas(16) unsigned char scratch[1 << 20];
static struct xlate x;
static unsigned long out_of_bounds;

static void lookup(void *ctx, vaddr_t va, size_t len, struct xlate_hit *h)
{
	size_t page = (va - ALIAS) / 4096, off = va & 4095, got = 4096 - off, i;

	h->kind = XLATE_PLAIN;
	if (va < ALIAS || page >= PAGES || (!canon[page] && !is_dead[page]))
		return;
	if (is_dead[page]) {
		h->kind = XLATE_DEAD_ALIAS;
		return;
	}
	h->kind = XLATE_LIVE;
	h->canon = vaddr_of(canon[page]) + off;
	for (i = page;
		got < len && i + 1 < PAGES && canon[i + 1] == canon[i] + 4096 && !is_dead[i + 1];
		i++)
		got += 4096;
	h->len = got < len ? got : len;
}

/* Small and odd numbers, and virtual pages that show nothing, stand for memory nobody can read. */
static bool readable(vaddr_t p, size_t n)
{
	size_t page = (p - ALIAS) / 4096;

	if (p >= ALIAS && page < PAGES) {
		out_of_bounds += canon[page] || is_dead[page];
		return false;
	}
	if (p - vaddr_of(memory) < sizeof(memory))
		return p - vaddr_of(memory) + n <= sizeof(memory);
	if (p - vaddr_of(spare) < sizeof(spare))
		return p - vaddr_of(spare) + n <= sizeof(spare);
	return p >= 65536 && p != 1UL << 40 && p + n > p;
}

static long copy_in(void *ctx, void *dst, vaddr_t src, size_t n)
{
	if (!readable(src, n))
		return -EFAULT;
	memcpy(dst, vaddr_ptr(src), n);
	return 0;
}

static long copy_out(void *ctx, vaddr_t dst, const void *src, size_t n)
{
	if (!readable(dst, n))
		return -EFAULT;
	memcpy(vaddr_ptr(dst), src, n);
	return 0;
}

static const struct xlate_ops ops = {lookup, copy_in, copy_out};

static void reset(void)
{
	memset(canon, 0, sizeof(canon));
	memset(is_dead, 0, sizeof(is_dead));
	memset(&x, 0, sizeof(x));
	x.ops = &ops;
	x.scratch = scratch;
	x.scratch_size = sizeof(scratch);
	x.pid = 77;
	/* Pages 0-3: one block. 4: another block. 5: dead. 6: nothing. 8: a lone page. */
	for (int i = 0; i < 4; i++)
		canon[i] = memory + i * 4096;
	canon[4] = spare;
	is_dead[5] = true;
	canon[8] = spare + 2 * 4096;
}

static uint64_t a(unsigned page, unsigned off)
{
	return ALIAS + page * 4096 + off;
}

static uint64_t c(unsigned page, unsigned off)
{
	return vaddr_of(canon[page]) + off;
}

static uint64_t args[6];

static enum xlate_verdict call_with(const uint64_t v[7])
{
	memcpy(args, v + 1, sizeof(args));
	return xlate_before(&x, (long)v[0], args);
}

/* Its number and its arguments, 0 where there are no more. */
#define call(...) call_with((const uint64_t[7]){__VA_ARGS__})

/* It is made; it is made with this as argument i (from 0); it fails; argument n (from 1) is dead. */
#define CALLED(...) CHECK_EQ(call(__VA_ARGS__), XLATE_CALL)
#define SENT(i, want, ...) \
	CHECK_EQ(call(__VA_ARGS__) == XLATE_CALL ? x.args[i] : ~(uint64_t)(want), want)
#define FAILED(err, ...) CHECK_EQ(call(__VA_ARGS__) == XLATE_FAIL ? x.ret : 0, err)
#define FOUND(n, ...)	 CHECK_EQ(call(__VA_ARGS__) == XLATE_DEAD ? x.dead.arg : 0, n)

static void plain_arguments_stay(void)
{
	char buf[10];

	CALLED(SYS_write, 1, vaddr_of(buf), 10, a(0, 0), a(5, 0), 7);
	CHECK(!memcmp(x.args, args, sizeof(args)));
	SENT(0, a(0, 0), SYS_getpid, a(0, 0));
}

/* What is asked about memory by a mask that no `how` goes with: the answer, not a finding. */
static void probes(void)
{
	FAILED(-EFAULT, SYS_rt_sigprocmask, (uint64_t)-1, a(5, 0), 0, 8);
	SENT(1, c(0, 8), SYS_rt_sigprocmask, (uint64_t)-1, a(0, 8), 0, 8);
	CHECK_EQ(call(SYS_rt_sigprocmask, 0, a(5, 0), 0, 8), XLATE_DEAD);
}

static void buffers(void)
{
	SENT(1, c(0, 100), SYS_write, 1, a(0, 100), 50);
	CHECK_EQ(x.args[2], 50);
	/* Several pages of one block are one range for the kernel. */
	SENT(1, c(0, 100), SYS_read, 0, a(0, 100), 3 * 4096);
	CHECK_EQ(x.args[2], 3 * 4096);
	/* Past the block: a partial transfer, as if the next page were not mapped. */
	SENT(2, 2 * 4096 - 96, SYS_read, 0, a(2, 96), 3 * 4096);
	/* Zero bytes touch nothing, not even a dead alias. */
	CALLED(SYS_write, 1, a(5, 0));
	/* All or nothing: EFAULT at the block's end, a finding if a dead block follows. */
	FAILED(-EFAULT, SYS_bind, 3, a(3, 4090), 16);
	CHECK_EQ(call(SYS_bind, 3, a(4, 4090), 16), XLATE_DEAD);
	CHECK_EQ(x.dead.addr, a(5, 0));
}

static void dead_arguments(void)
{
	struct iovec iov[2] = {{scratch, 4}, {vaddr_ptr(a(5, 8)), 4}};

	FOUND(2, SYS_write, 1, a(5, 7), 3);
	CHECK_EQ(x.dead.addr, a(5, 7));
	CHECK_EQ(call(SYS_read, 1, a(5, 7), 3), XLATE_DEAD);
	FOUND(2, SYS_openat, 0, a(5, 1));
	FOUND(2, SYS_writev, 1, vaddr_of(iov), 2);
	CHECK_EQ(x.dead.addr, a(5, 8));
	FOUND(3, SYS_accept, 3, a(0, 0), a(5, 0));
}

static void vectors(void)
{
	struct iovec iov[3] = {{vaddr_ptr(a(0, 1)), 10}, {spare, 5}, {vaddr_ptr(a(4, 2)), 6}};
	struct iovec keep[3], *sent;

	memcpy(keep, iov, sizeof(iov));
	CALLED(SYS_writev, 1, vaddr_of(iov), 3);
	CHECK(x.args[1] != vaddr_of(iov));
	sent = vaddr_ptr(x.args[1]);
	CHECK_EQ(vaddr_of(sent[0].iov_base), c(0, 1));
	CHECK_EQ(vaddr_of(sent[1].iov_base), vaddr_of(spare));
	CHECK_EQ(vaddr_of(sent[2].iov_base), c(4, 2));
	CHECK(!memcmp(keep, iov, sizeof(iov)));
	/* The vector itself behind an alias, across a page. */
	memcpy(memory + 4096 - 16, iov, sizeof(iov));
	CALLED(SYS_readv, 0, a(0, 4096 - 16), 3);
	sent = vaddr_ptr(x.args[1]);
	CHECK_EQ(vaddr_of(sent[2].iov_base), c(4, 2));
	/* No alias inside: the program's own vector goes to the kernel. */
	iov[0].iov_base = iov[2].iov_base = spare;
	SENT(1, vaddr_of(iov), SYS_writev, 1, vaddr_of(iov), 3);
	/* A part that runs off its block ends the transfer there. */
	iov[1].iov_base = vaddr_ptr(a(3, 4000));
	iov[1].iov_len = 500;
	CALLED(SYS_writev, 1, vaddr_of(iov), 3);
	sent = vaddr_ptr(x.args[1]);
	CHECK_EQ(x.args[2], 2);
	CHECK_EQ(sent[1].iov_len, 96);
	/* What cannot be read is the kernel's to refuse. */
	SENT(1, 16, SYS_writev, 1, 16, 3);
}

static void messages(void)
{
	struct iovec iov = {vaddr_ptr(a(0, 0)), 100};
	struct msghdr m = {.msg_name = vaddr_ptr(a(4, 0)),
		.msg_namelen = 16,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = vaddr_ptr(a(8, 0)),
		.msg_controllen = 64};
	struct msghdr *s;

	CALLED(SYS_recvmsg, 3, vaddr_of(&m));
	s = vaddr_ptr(x.args[1]);
	CHECK(s != &m);
	CHECK_EQ(vaddr_of(s->msg_name), c(4, 0));
	CHECK_EQ(vaddr_of(s->msg_control), c(8, 0));
	CHECK(s->msg_iov != &iov);
	CHECK_EQ(vaddr_of(s->msg_iov->iov_base), c(0, 0));
	/* The kernel answers in our copy; the program sees it, with its own pointers. */
	s->msg_namelen = 7;
	s->msg_controllen = 24;
	s->msg_flags = MSG_TRUNC;
	CHECK_EQ(xlate_after(&x, args, 100), 100);
	CHECK_EQ(m.msg_namelen, 7);
	CHECK_EQ(m.msg_controllen, 24);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
	CHECK_EQ(vaddr_of(m.msg_name), a(4, 0));
	CHECK_EQ(vaddr_of(m.msg_control), a(8, 0));
	CHECK(m.msg_iov == &iov);
	CHECK_EQ(vaddr_of(iov.iov_base), a(0, 0));
	/* A failed call wrote nothing. */
	CALLED(SYS_recvmsg, 3, vaddr_of(&m));
	((struct msghdr *)vaddr_ptr(x.args[1]))->msg_flags = 0;
	xlate_after(&x, args, -EAGAIN);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
}

static void message_vectors(void)
{
	struct iovec iov[2] = {{vaddr_ptr(a(0, 0)), 10}, {spare, 5}};
	struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}}};
	struct mmsghdr *s;

	CALLED(SYS_sendmmsg, 3, vaddr_of(m), 2);
	s = vaddr_ptr(x.args[1]);
	CHECK_EQ(vaddr_of(s[0].msg_hdr.msg_iov->iov_base), c(0, 0));
	CHECK(s[1].msg_hdr.msg_iov == &iov[1]);
	s[0].msg_len = 10;
	s[1].msg_len = 5;
	CHECK_EQ(xlate_after(&x, args, 2), 2);
	CHECK_EQ(m[0].msg_len, 10);
	CHECK_EQ(m[1].msg_len, 5);
	CHECK(m[0].msg_hdr.msg_iov == &iov[0]);
}

static void string_vectors(void)
{
	uint64_t argv[1200];
	uint64_t *s;
	int i;

	for (i = 0; i < 1199; i++)
		argv[i] = i == 1100 ? a(4, 5) : vaddr_of("x");
	argv[1199] = 0;
	SENT(0, c(0, 9), SYS_execve, a(0, 9), vaddr_of(argv));
	s = vaddr_ptr(x.args[1]);
	CHECK(s != argv);
	CHECK_EQ(s[1100], c(4, 5));
	CHECK_EQ(s[1098], argv[1098]);
	CHECK_EQ(s[1199], 0);
	/* In an aliased block, over its page boundary, with environment as well. */
	memcpy(memory + 4096 - 800 * 8, argv, 0);
	memcpy(memory + 4096, argv, sizeof(argv));
	memory[4096 - 8] = 0;
	CALLED(SYS_execveat, 3, vaddr_of("p"), a(1, 0), a(1, 0));
	CHECK_EQ(((uint64_t *)vaddr_ptr(x.args[2]))[1100], c(4, 5));
	CHECK_EQ(((uint64_t *)vaddr_ptr(x.args[3]))[1100], c(4, 5));
	CHECK(x.args[2] != x.args[3]);
	argv[3] = a(5, 0);
	FOUND(2, SYS_execve, vaddr_of("p"), vaddr_of(argv));
	argv[3] = vaddr_of("x");
	argv[1100] = argv[3];
	SENT(1, vaddr_of(argv), SYS_execve, vaddr_of("p"), vaddr_of(argv));
}

static void select_sets(void)
{
	struct {
		uint64_t ss, len;
	} sig = {a(0, 8), 8}, *s;

	SENT(1, c(0, 0), SYS_pselect6, 65, a(0, 0), a(4, 0), 0, a(8, 0), vaddr_of(&sig));
	CHECK_EQ(x.args[2], c(4, 0));
	CHECK_EQ(x.args[4], c(8, 0));
	s = vaddr_ptr(x.args[5]);
	CHECK_EQ(s->ss, c(0, 8));
	/* 65 bits are 16 bytes for the kernel. */
	CALLED(SYS_select, 65, a(3, 4096 - 16));
	CHECK_EQ(call(SYS_select, 65, a(3, 4096 - 8)), XLATE_FAIL);
	SENT(3, c(8, 0), SYS_ppoll, a(0, 0), 3, a(4, 0), a(8, 0), 8);
	SENT(2, 2, SYS_epoll_wait, 3, a(3, 4096 - 30), 10);
}

static void sizes_elsewhere(void)
{
	uint32_t len = 128;

	SENT(1, c(0, 0), SYS_getsockname, 3, a(0, 0), vaddr_of(&len));
	memcpy(spare + 2 * 4096 + 4, &len, 4);
	SENT(4, c(4, 0), SYS_recvfrom, 3, a(0, 0), 10, 0, a(4, 0), a(8, 4));
	CHECK_EQ(x.args[5], c(8, 4));
	len = 0;
	CALLED(SYS_getsockopt, 3, 1, 2, a(5, 0), vaddr_of(&len));
	len = 4;
	FOUND(4, SYS_getsockopt, 3, 1, 2, a(5, 0), vaddr_of(&len));
}

static void commands(void)
{
	struct ifconf ifc = {.ifc_len = 80, .ifc_buf = vaddr_ptr(a(0, 0))};
	struct {
		uint16_t len;
		uint64_t p;
	} prog = {4, a(0, 32)};
	struct ifconf *s;

	SENT(2, c(0, 0), SYS_ioctl, 0, TCGETS, a(0, 0));
	CHECK_EQ(call(SYS_ioctl, 0, TCGETS, a(5, 0)), XLATE_DEAD);
	/* No argument: what is left in the register means nothing. */
	CALLED(SYS_ioctl, 0, TIOCEXCL, a(5, 0));
	CALLED(SYS_fcntl, 0, 1, a(5, 0));
	CHECK_EQ(call(SYS_fcntl, 0, 6, a(5, 0)), XLATE_DEAD);
	CALLED(SYS_ioctl, 3, 0x8912, vaddr_of(&ifc));
	s = vaddr_ptr(x.args[2]);
	CHECK_EQ(vaddr_of(s->ifc_buf), c(0, 0));
	s->ifc_len = 40;
	xlate_after(&x, args, 0);
	CHECK_EQ(ifc.ifc_len, 40);
	CHECK_EQ(vaddr_of(ifc.ifc_buf), a(0, 0));
	CALLED(SYS_setsockopt, 3, 1, 26, vaddr_of(&prog), 16);
	CHECK_EQ(((uint64_t *)vaddr_ptr(x.args[3]))[1], c(0, 32));
	SENT(1, c(0, 3), SYS_prctl, 15, a(0, 3));
}

/* An ioctl we have no row for: size and direction are in its number. */
static void unknown_ioctl(void)
{
	uint64_t w[4] = {5, a(0, 64), a(5, 0), 9}, *s;

	CALLED(SYS_ioctl, 3, _IOWR('!', 1, uint64_t[4]), vaddr_of(w));
	s = vaddr_ptr(x.args[2]);
	CHECK_EQ(s[1], c(0, 64));
	CHECK_EQ(s[2], a(5, 0));
	s[0] = 6;
	s[3] = 10;
	xlate_after(&x, args, 0);
	CHECK_EQ(w[0], 6);
	CHECK_EQ(w[1], a(0, 64));
	CHECK_EQ(w[3], 10);
	CALLED(SYS_bpf, 0, vaddr_of(w), 32);
	CHECK_EQ(((uint64_t *)vaddr_ptr(x.args[1]))[1], c(0, 64));
}

static void futexes(void)
{
	struct {
		uint64_t val, uaddr;
		uint32_t flags, pad;
	} wv[2] = {{1, a(0, 0), 2, 0}, {1, vaddr_of(spare), 2, 0}}, *s;

	SENT(0, c(0, 4), SYS_futex, a(0, 4), FUTEX_WAIT_PRIVATE, 1, a(4, 0), a(5, 0));
	CHECK_EQ(x.args[3], c(4, 0));
	CALLED(SYS_futex, a(0, 4), FUTEX_WAKE_PRIVATE, 1, a(5, 0), a(5, 0));
	SENT(4, c(4, 8), SYS_futex, a(0, 4), FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, a(4, 8));
	CHECK_EQ(call(SYS_futex, a(5, 4), FUTEX_WAKE_PRIVATE, 1), XLATE_DEAD);
	CALLED(449, vaddr_of(wv), 2);
	s = vaddr_ptr(x.args[0]);
	CHECK_EQ(s[0].uaddr, c(0, 0));
	CHECK_EQ(s[1].uaddr, vaddr_of(spare));
}

static void other_processes(void)
{
	struct iovec l = {vaddr_ptr(a(0, 0)), 8}, r = {vaddr_ptr(a(4, 0)), 8};
	uint64_t pages[2] = {a(0, 0), 1};

	CALLED(SYS_process_vm_readv, 5, vaddr_of(&l), 1, vaddr_of(&r), 1);
	CHECK(x.args[1] != vaddr_of(&l));
	CHECK_EQ(x.args[3], vaddr_of(&r));
	CALLED(SYS_process_vm_readv, 77, vaddr_of(&l), 1, vaddr_of(&r), 1);
	CHECK_EQ(((struct iovec *)vaddr_ptr(x.args[3]))->iov_base, canon[4]);
	CALLED(SYS_move_pages, 0, 2, vaddr_of(pages), 0, a(8, 0));
	CHECK_EQ(*(uint64_t *)vaddr_ptr(x.args[2]), c(0, 0));
	CHECK_EQ(x.args[4], c(8, 0));
}

static void mappings(void)
{
	SENT(0, c(0, 0), SYS_mprotect, a(0, 0), 8192, 1);
	CHECK_EQ(call(SYS_madvise, a(5, 0), 4096, 4), XLATE_DEAD);
	FAILED(-ENOMEM, SYS_mprotect, a(3, 0), 8192, 1);
	/* A mapping that the program lays over its own block stays where the program put it. */
	SENT(0, c(0, 0), SYS_mmap, a(0, 0), 4096, 3, 0x32, -1);
	CHECK_EQ(xlate_after(&x, args, (long)c(0, 0)), a(0, 0));
	CHECK_EQ(xlate_after(&x, args, 0x7000), 0x7000);
}

static void states(void)
{
	FAILED(-ENOSYS, SYS_io_setup, 1, a(0, 0));
	FAILED(-ENOSYS, SYS_io_uring_setup, 1, a(0, 0));
	CALLED(4999, a(0, 0), 3, a(5, 0), a(4, 1));
	CHECK(x.unknown);
	CHECK_EQ(x.args[0], c(0, 0));
	CHECK_EQ(x.args[2], a(5, 0));
	CHECK_EQ(x.args[3], c(4, 1));
	CALLED(SYS_close, 3);
	CHECK(!x.unknown);
}

static void too_much_for_the_scratch_area(void)
{
	struct iovec iov[40];
	int i;

	x.scratch_size = 256;
	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){spare, 1};
	iov[39].iov_base = vaddr_ptr(a(0, 0));
	CALLED(SYS_writev, 1, vaddr_of(iov), 16);
	SENT(2, -1UL, SYS_writev, 1, vaddr_of(iov), -1UL);
	FAILED(-E2BIG, SYS_execve, vaddr_of("p"), vaddr_of(iov));
}

/* Random calls with random arguments: never reads or writes through an alias, never loops. */
static void random_arguments(void)
{
	static const uint64_t some[] = {0, 1, 8, 16, 4096, 100000, 1UL << 40, -1UL, 77};
	unsigned long i, seed = 1;
	int k;

	memset(memory, 0, sizeof(memory));
	memset(spare, 0, sizeof(spare));
	out_of_bounds = 0;
	for (i = 0; i < 300000; i++) {
		uint64_t v[6];

		for (k = 0; k < 6; k++) {
			seed = seed * 6364136223846793005UL + 1442695040888963407UL;
			v[k] = seed >> 60 < 8 ? a(seed >> 33 & 7, seed >> 40 & 4095)
					      : some[(seed >> 33) % ARRAY_LEN(some)];
			if (v[k] == 100000)
				v[k] = vaddr_of(memory) + (seed >> 50);
		}
		if (xlate_before(&x, (long)(i % 480), v) == XLATE_CALL)
			xlate_after(&x, v, -1);
	}
	CHECK_EQ(out_of_bounds, 0);
}

#define CASE(fn) RUN_AS(#fn, reset(); fn())

int main(void)
{
	CASE(plain_arguments_stay);
	CASE(probes);
	CASE(buffers);
	CASE(dead_arguments);
	CASE(vectors);
	CASE(messages);
	CASE(message_vectors);
	CASE(string_vectors);
	CASE(select_sets);
	CASE(sizes_elsewhere);
	CASE(commands);
	CASE(unknown_ioctl);
	CASE(futexes);
	CASE(other_processes);
	CASE(mappings);
	CASE(states);
	CASE(too_much_for_the_scratch_area);
	CASE(random_arguments);
	return UNIT_END();
}
