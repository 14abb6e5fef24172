/* memory.c - conformance: brk, mmap and its relatives, files, sharing. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "conform.h"

static long sum(const char *p, size_t n)
{
	long s = 0;

	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s;
}

static char *page_from(char *p)
{
	return (char *)(((uintptr_t)p + 4095) & ~4095ul);
}

/* Private memory of nobody's, or MAP_FAILED. */
static char *anonymous(void *at, size_t size, int prot, int flags)
{
	return mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static const char *mapped(const void *p)
{
	return result(p == MAP_FAILED ? -1 : 0);
}

static void mem_brk(void)
{
	char *base = sbrk(0);
	char *p = sbrk(1 << 20);

	say("grown %d, zero %d", p == base, sum(p, 1 << 20) == 0);
	memset(p, 1, 1 << 20);
	must(sbrk(-(1 << 19)) != (void *)-1);
	say("half left: %ld", sum(p, 1 << 19));
	say_fault("above", load, page_from(p + (1 << 19)), p);
	must(sbrk(1 << 19) != (void *)-1);
	say("zero again %ld", sum(page_from(p + (1 << 19)), 1 << 18));
	say("brk too far %s", result(brk((void *)0x7fff00000000)));
	say("at the end %d", brk(base));
}

static void mem_fixed(void)
{
	char *p = pages(8 * 4096, PROT_READ | PROT_WRITE);

	memset(p, 3, 8 * 4096);
	say("over the middle %d", anonymous(p + 8192, 8192, PROT_READ, MAP_FIXED) == p + 8192);
	say("sum %ld", sum(p, 8 * 4096));
	say_fault("store", store, p + 8192, p);
	say("no replace %s", mapped(anonymous(p, 4096, PROT_READ, MAP_FIXED_NOREPLACE)));
	munmap(p + 4096, 4096);
	say_fault("hole", load, p + 4096, p);
	say("misaligned %s", result(munmap(p + 1, 4096)));
	say("no length %s", mapped(anonymous(NULL, 0, PROT_READ, 0)));
}

static void mem_file(void)
{
	int fd = temp_file(3 * 4096);
	char *shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char buf[16] = "";

	strcpy(shared + 4096, "through");
	must(pread(fd, buf, 8, 4096) == 8);
	say("read %s, private sees %s", buf, private + 4096);
	strcpy(private + 4096, "own");
	say("private %s shared %s", private + 4096, shared + 4096);
	must(pwrite(fd, "written", 8, 8192) == 8);
	say("shared %s private %s", shared + 8192, private + 8192);
	say("msync %d", msync(shared, 3 * 4096, MS_SYNC));
	char *second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);

	say("at offset: %s", second);
	int ro = open("/proc/self/exe", O_RDONLY);

	say("shared writable of read-only %s",
		mapped(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0)));
	char *elf = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ro, 0);

	say("ELF %.3s", elf + 1);
}

static void mem_mremap(void)
{
	char *p = pages(16 * 4096, PROT_READ | PROT_WRITE), *block = pages(64 * 4096, PROT_NONE);

	for (int i = 0; i < 16 * 4096; i++)
		p[i] = (char)(i >> 12);
	char *q = mremap(p, 16 * 4096, 4 << 20, MREMAP_MAYMOVE);

	must(q != MAP_FAILED);
	long s = sum(q, 4 << 20);

	say("grown: %ld", s);
	if (q != p)
		load(q);
	q = mremap(q, 4 << 20, 8 * 4096, 0);
	say("shrunk: %ld", sum(q, 8 * 4096));
	say_fault("beyond", load, q + 8 * 4096, q);
	char *r = mremap(q, 8 * 4096, 8 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, block);

	say("moved %d: %ld", r == block, sum(r, 8 * 4096));
	say_fault("old place", load, q, q);
	say_fault("next to the new", load, r + 8 * 4096, r);
	say("cannot grow in place %s", mapped(mremap(r, 8 * 4096, 16 * 4096, 0)));
	for (int i = 0; i < 50; i++) {
		char *t = pages(4096, PROT_READ | PROT_WRITE);

		t[5] = (char)i;
		t = mremap(t, 4096, 4096 * (size_t)(2 + i), MREMAP_MAYMOVE);
		must(t != MAP_FAILED && t[5] == i && t[4096 * (1 + i)] == 0);
		munmap(t, 4096 * (size_t)(2 + i));
	}
	say("end");
}

static void mem_mprotect(void)
{
	char *p = pages(64 * 4096, PROT_READ | PROT_WRITE);
	struct fault f;
	int good = 0;

	memset(p, 1, 64 * 4096);
	for (int round = 0; round < 4; round++) {
		for (int i = round & 1; i < 64; i += 2)
			must(!mprotect(p + i * 4096, 4096,
				round & 2 ? PROT_READ | PROT_WRITE : PROT_READ));
		for (int i = 0; i < 64; i++) {
			int writable = round == 0   ? i & 1
				       : round == 1 ? 0
				       : round == 2 ? !(i & 1)
						    : 1;

			good += fault_try(store, p + i * 4096, &f) == !writable;
		}
	}
	say("%d of 256 as they should be", good);
	say("unmapped %s", result(mprotect(p - (1l << 40), 4096, PROT_READ)));
	must(!mprotect(p, 64 * 4096, PROT_NONE));
	must(!mprotect(p, 64 * 4096, PROT_READ));
	say("kept %ld", sum(p, 64 * 4096));
}

static void mem_madvise(void)
{
	char *p = pages(2 << 20, PROT_READ | PROT_WRITE);
	int fd = temp_file(8192);
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	memset(p, 1, 2 << 20);
	must(!madvise(p + 4096, 1 << 20, MADV_DONTNEED));
	say("left %ld", sum(p, 2 << 20));
	memset(p, 2, 2 << 20);
	say("again %ld", sum(p, 2 << 20));
	must(pwrite(fd, "file", 5, 0) == 5);
	strcpy(m, "mine");
	must(!madvise(m, 4096, MADV_DONTNEED));
	say("back to the %s", m);
	say("WILLNEED %d, bad %s", madvise(p, 4096, MADV_WILLNEED), result(madvise(p, 4096, 9999)));
	char *s = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(s, 1, 1 << 20);
	say("REMOVE %d", madvise(s, 1 << 19, MADV_REMOVE));
	say("left %ld", sum(s, 1 << 20));
	for (int i = 0; i < 200; i++) {
		p[i * 4096] = (char)i;
		must(!madvise(p + i * 4096, 4096, MADV_DONTNEED));
		must(p[i * 4096] == 0);
	}
	say("200 pages dropped one by one");
}

static void fork_advice(void *arg)
{
	char **p = arg;
	struct fault f;

	say("wiped %d, plain %d, not copied faults %d", p[0][0], p[1][0],
		fault_try(load, p[2], &f));
}

static void mem_fork_advice(void)
{
	char *p[3] = {pages(4096, PROT_READ | PROT_WRITE), pages(4096, PROT_READ | PROT_WRITE),
		pages(4096, PROT_READ | PROT_WRITE)};

	p[0][0] = p[1][0] = p[2][0] = 5;
	must(!madvise(p[0], 4096, MADV_WIPEONFORK) && !madvise(p[2], 4096, MADV_DONTFORK));
	say_wait("child", child_start(fork_advice, p));
	say("parent %d %d %d", p[0][0], p[1][0], p[2][0]);
}

static void mem_grows_down(void)
{
	enum { GAP = 300 * 4096 }; /* the kernel keeps 256 pages free below what grows */
	char *room = pages(GAP + 64 * 4096, PROT_NONE);

	munmap(room, GAP + 64 * 4096);
	room += GAP;
	char *top = anonymous(
		room + 60 * 4096, 4 * 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_GROWSDOWN);

	must(top != MAP_FAILED);
	int n = 0;

	for (char *p = top + 3 * 4096; p >= room + 20 * 4096; p -= 4096, n++)
		*p = 1;
	say("grown to %d pages", n);
}

static int __attribute__((noinline)) use_stack(size_t bytes)
{
	volatile char *p = __builtin_alloca(bytes);
	int n = 0;

	for (size_t i = 0; i < bytes; i += 4096) /* from the low end: far below the stack at once */
		n += (p[i] = 1);
	return n;
}

static void mem_stack(void)
{
	say("%d", use_stack(64 << 10));
	say("%d", use_stack(1 << 20));
	say("%d", use_stack(6 << 20));
}

static void mem_mincore(void)
{
	char *p = pages(16 * 4096, PROT_READ | PROT_WRITE);
	unsigned char in[16];
	char line[17] = "";

	madvise(p, 16 * 4096, MADV_NOHUGEPAGE);
	for (int i = 0; i < 16; i += 3)
		p[i * 4096] = 1;
	must(!mincore(p, 16 * 4096, in));
	for (int i = 0; i < 16; i++)
		line[i] = in[i] & 1 ? 'x' : '.';
	say("%s", line);
	munmap(p, 4096);
	say("hole %s", result(mincore(p, 4096, in)));
}

static void memfd_child(void *arg)
{
	_Atomic int *p = arg;

	for (int i = 0; i < 10000; i++)
		atomic_fetch_add(p, 1);
	strcpy((char *)(p + 16), "from the child");
}

static void mem_shared(void)
{
	int fd = memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(!ftruncate(fd, 8192));
	_Atomic int *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	_Atomic int *q = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t a = child_start(memfd_child, p), b = child_start(memfd_child, p),
	      c = child_start(memfd_child, q);

	memfd_child(p);
	memfd_child(q);
	say_wait("a", a);
	say_wait("b", b);
	say_wait("c", c);
	say("memfd %d anonymous %d %s", *p, *q, (char *)(q + 16));
	munmap(p, 8192);
	say("seal %d", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	say("write %s", result(write(fd, "x", 1)));
}

static void cow_child(void *arg)
{
	char *p = arg;
	long s = sum(p, 4 << 20);

	memset(p, 9, 4 << 20);
	say("child: %ld then %ld", s, sum(p, 4 << 20));
}

static void mem_cow(void)
{
	char *p = pages(4 << 20, PROT_READ | PROT_WRITE);

	memset(p, 1, 4 << 20);
	pid_t c = child_start(cow_child, p);

	memset(p, 2, 2 << 20);
	say_wait("child", c);
	say("parent: %ld", sum(p, 4 << 20));
}

static void mem_huge(void)
{
	size_t two = 2 << 20;
	char *raw = pages(16 * two, PROT_READ | PROT_WRITE);
	char *p = (char *)(((uintptr_t)raw + two - 1) & ~(two - 1));

	say("advice %d", madvise(p, 8 * two, MADV_HUGEPAGE) == 0 || errno == EINVAL);
	memset(p, 1, 8 * two);
	munmap(p + two + 4096, 4096);
	mprotect(p + 2 * two + 8192, 4096, PROT_NONE);
	madvise(p + 3 * two, 4096 * 3, MADV_DONTNEED);
	say_fault("hole", load, p + two + 4096, p);
	say_fault("guard", load, p + 2 * two + 8192, p);
	say("sum %ld", sum(p + 3 * two, 5 * two));
	char *h = anonymous(NULL, 2 * two, PROT_READ | PROT_WRITE, MAP_HUGETLB);

	say("hugetlb %d", h == MAP_FAILED ? errno : 0);
}

static void mem_lock(void)
{
	char *p = pages(16 * 4096, PROT_READ | PROT_WRITE);
	unsigned char in[16];
	int n = 0;

	say("mlock %s", result(mlock(p, 16 * 4096)));
	must(!mincore(p, 16 * 4096, in));
	for (int i = 0; i < 16; i++)
		n += in[i] & 1;
	say("resident %d, munlock %d", n, munlock(p, 16 * 4096));
	say("hole %d", mlock((void *)4096, 4096) < 0 ? errno : 0);
	p = anonymous(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_POPULATE);
	must(!mincore(p, 16 * 4096, in));
	say("populated %d", in[0] & in[15] & 1);
}

/* Hints above 47 bits mean five levels of page tables, where there are any; memory comes anyhow. */
static void mem_high_hint(void)
{
	for (int bit = 47; bit < 57; bit++) {
		char *p = anonymous((void *)(1ul << bit), 8192, PROT_READ | PROT_WRITE, 0);

		must(p != MAP_FAILED);
		p[4096] = (char)bit;
		p = mremap(p, 8192, 65536, MREMAP_MAYMOVE);
		must(p != MAP_FAILED);
		say("%d %d %zd", p[4096], p[65535], write(-1, p, 1));
		must(!munmap(p, 65536));
	}
}

/* Addresses all over: far hints, a sparse giant, one page in each of its gigabytes. */
static void mem_far(void)
{
	static const uintptr_t hint[] = {0x10000, 0x70000000, 0x1000000000, 0x10000000000,
		0x200000000000, 0x500000000000, 0x7e0000000000};

	for (int i = 0; i < 7; i++) {
		char *p = anonymous((void *)hint[i], 8192, PROT_READ | PROT_WRITE, 0);

		must(p != MAP_FAILED);
		p[4096] = (char)i;
		say("0x%lx: %d, there %d", (unsigned long)hint[i], p[4096], p == (char *)hint[i]);
	}
	size_t giant = 80ul << 30;
	char *p = anonymous(NULL, giant, PROT_READ | PROT_WRITE, MAP_NORESERVE);

	must(p != MAP_FAILED);
	for (size_t i = 0; i < 80; i++)
		p[i << 30] = (char)i;
	long s = 0;

	for (size_t i = 0; i < 80; i++)
		s += p[i << 30];
	say("giant %ld", s);
	/* One system call over the edge of a gigabyte. */
	char *edge = (char *)(((uintptr_t)p + (1ul << 30)) & ~((1ul << 30) - 1));
	int fd[2];
	char got[16] = "";

	must(!pipe(fd));
	memcpy(edge - 5, "across edge", 12);
	must(write(fd[1], edge - 5, 12) == 12 && read(fd[0], got, 12) == 12);
	say("%s", got);
	munmap(p, giant);
	say_fault("gone", load, p + (5ul << 30), p);
}

static void mem_many(void)
{
	static char *p[3000];
	long good = 0;

	for (int i = 0; i < 3000; i++) {
		p[i] = pages(4096 * 2, PROT_READ | PROT_WRITE);
		mprotect(p[i] + 4096, 4096, PROT_NONE);
		*(int *)p[i] = i;
	}
	for (int i = 0; i < 3000; i += 2)
		munmap(p[i], 8192);
	for (int i = 1; i < 3000; i += 2)
		good += *(int *)p[i] == i;
	say("%ld", good);
	for (int i = 0; i < 3000; i++) {
		void *q = malloc((size_t)i * 37 % 300000);

		must(q);
		memset(q, i, (size_t)i * 37 % 300000);
		free(q);
	}
	say("end");
}

static void mem_other_ways_in(void)
{
	char a[32] = "process_vm", b[32] = "", *p = pages(4096, PROT_READ);
	struct iovec l = {b, 32}, r = {a, 32};
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	say("process_vm_readv %zd %s", process_vm_readv(getpid(), &l, 1, &r, 1, 0), b);
	say("process_vm_writev to read-only %s",
		result(process_vm_writev(getpid(), &l, 1, &(struct iovec){p, 32}, 1, 0)));
	say("/proc/self/mem %zd %s", pwrite(fd, "by force", 9, (off_t)(uintptr_t)p), p);
	say("read %zd", pread(fd, b, 9, (off_t)(uintptr_t)p));
	say("%s", b);
	int id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
	char *s = shmat(id, NULL, 0);

	must(s != (char *)-1);
	strcpy(s + 4096, "sysv");
	char *t = shmat(id, NULL, SHM_RDONLY);

	say("shm %s", t + 4096);
	say_fault("store", store, t, t);
	shmdt(s);
	say_fault("detached", load, s, s);
	shmdt(t);
	shmctl(id, IPC_RMID, NULL);
}

const struct conform_case memory_cases[] = {CONFORM(mem_brk), CONFORM(mem_fixed), CONFORM(mem_file),
	CONFORM(mem_mremap), CONFORM(mem_mprotect), CONFORM(mem_madvise), CONFORM(mem_fork_advice),
	CONFORM(mem_grows_down), CONFORM(mem_stack), CONFORM(mem_mincore), CONFORM(mem_shared),
	CONFORM(mem_cow), CONFORM(mem_huge), CONFORM(mem_lock), CONFORM(mem_high_hint),
	CONFORM(mem_far), CONFORM(mem_many), CONFORM(mem_other_ways_in), {NULL, NULL}};
