/*
 * watched.c - conformance: processes that look into others (ptrace, process_vm, userfaultfd, filters) and memory by
 * descriptor, policy and lock: with what the kernel is given, and what is looked at, in blocks of the heap.
 */
#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "conform.h"

/* The child's heap as it is: a word that both know, then a free block around it. */
static void traced_child(void *word)
{
	must(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	_exit(*(int *)word);
}

static void traced(void)
{
	int *word = block(sizeof(*word)), status;
	struct user_regs_struct *regs = block(sizeof(*regs));
	struct iovec *v = block(sizeof(*v));
	siginfo_t *si = block(sizeof(*si));
	sigset_t *set = block(sizeof(*set));
	pid_t p = child_start(traced_child, word);

	must(waitpid(p, &status, 0) == p);
	say_status("child", status);
	say("poke %ld", ptrace(PTRACE_POKEDATA, p, word, 31L));
	errno = 0;
	say("peek %d", (int)ptrace(PTRACE_PEEKDATA, p, word, NULL));
	say("peek nowhere %s", result(ptrace(PTRACE_PEEKDATA, p, nowhere(), NULL)));
	say("registers %s", result(ptrace(PTRACE_GETREGS, p, NULL, regs)));
	say("on a stack %d", regs->rsp > 4096);
	*v = (struct iovec){regs, sizeof(*regs)};
	say("set of them %s", result(ptrace(PTRACE_GETREGSET, p, NT_PRSTATUS, v)));
	say("of %zu bytes", v->iov_len);
	v->iov_len = 7;
	say("of odd size %s", result(ptrace(PTRACE_GETREGSET, p, NT_PRSTATUS, v)));
	say_after(ptrace(PTRACE_GETSIGINFO, p, NULL, si), "its signal %s: %d", si->si_signo);
	say("its mask %s", result(ptrace(PTRACE_GETSIGMASK, p, 8, set)));
	say("of bad size %s", result(ptrace(PTRACE_GETSIGMASK, p, 3, set)));
	say("where it cannot %s", result(ptrace(PTRACE_GETREGS, p, NULL, nowhere())));
	say("twice %s", result(ptrace(PTRACE_ATTACH, p, NULL, NULL)));
	say("go on %s", result(ptrace(PTRACE_CONT, p, NULL, NULL)));
	say_wait("child", p);
	say("gone %s", result(ptrace(PTRACE_PEEKDATA, p, word, NULL)));
	free(word);
	free(regs);
	free(v);
	free(si);
	free(set);
}

/* Each system call of the child stops it; its calls of write are counted, with where their bytes lie. */
static void writes_thrice(void *text)
{
	must(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	for (int i = 0; i < 3; i++)
		must(write(1, text, 0) == 0);
	_exit(6);
}

static void traced_calls(void)
{
	char *text = strcpy(block(32), "looked at");
	struct __ptrace_syscall_info *i = block(sizeof(*i));
	int status, writes = 0, same = 0;
	pid_t p = child_start(writes_thrice, text);

	must(waitpid(p, &status, 0) == p);
	must(!ptrace(PTRACE_SETOPTIONS, p, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	while (!ptrace(PTRACE_SYSCALL, p, NULL, NULL) && waitpid(p, &status, 0) == p &&
		WIFSTOPPED(status)) {
		must(WSTOPSIG(status) == (SIGTRAP | 0x80));
		must(ptrace(PTRACE_GET_SYSCALL_INFO, p, sizeof(*i), i) > 0);
		if (i->op != PTRACE_SYSCALL_INFO_ENTRY || i->entry.nr != SYS_write)
			continue;
		writes++;
		same += (char *)i->entry.args[1] == text;
	}
	say("%d writes, %d of the block", writes, same);
	say_status("child", status);
	free(text);
	free(i);
}

static void seized(void)
{
	int p[2], status;
	char *c = block(1);

	must(!pipe(p));
	pid_t pid = fork();

	if (pid == 0)
		_exit(read(p[0], c, 1) == 1 ? *c : 1);
	wait_asleep(pid, pid);
	say("seize %s", result(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT)));
	say("interrupt %s", result(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL)));
	must(waitpid(pid, &status, 0) == pid);
	say("stopped by event %d", status >> 16);
	say("detach %s", result(ptrace(PTRACE_DETACH, pid, NULL, NULL)));
	must(write(p[1], "\7", 1) == 1);
	say_wait("child", pid);
	free(c);
}

static void other_memory(void)
{
	char *a = strcpy(block(100), "of the parent"), *b = block(100);
	struct iovec *to = block(3 * sizeof(*to)), *from = block(3 * sizeof(*from));
	int p[2];

	must(!pipe(p));
	pid_t pid = fork();

	if (pid == 0) {
		strcpy(a, "of the child");
		must(write(p[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	must(read(p[0], b, 1) == 1);
	to[0] = (struct iovec){b, 4};
	to[1] = (struct iovec){b + 10, 50};
	from[0] = (struct iovec){a, 100};
	say("read %s", result(process_vm_readv(pid, to, 2, from, 1, 0)));
	say("%.4s, %s", b, b + 10);
	from[1] = (struct iovec){nowhere(), 10};
	from[0].iov_len = 20;
	say("then nowhere %s", result(process_vm_readv(pid, to, 2, from, 2, 0)));
	to[0] = (struct iovec){strcpy(b, "written"), 8};
	say("write %s", result(process_vm_writev(pid, to, 1, from, 1, 0)));
	say("read back %s", result(process_vm_readv(pid, to, 1, from, 1, 0)));
	say("mine is %s", a);
	say("otherwise %s", result(process_vm_readv(pid, to, 1, from, 1, 4)));
	say("too many %s", result(process_vm_readv(pid, to, 2000, from, 1, 0)));
	say("where it cannot %s", result(process_vm_readv(pid, nowhere(), 1, from, 1, 0)));
	kill(pid, SIGKILL);
	say_wait("child", pid);
	say("gone %s", result(process_vm_readv(pid, to, 1, from, 1, 0)));
	free(a);
	free(b);
	free(to);
	free(from);
}

static void *serves(void *arg)
{
	int fd = *(int *)arg;
	struct uffd_msg *m = block(sizeof(*m));
	struct uffdio_copy *c = block(sizeof(*c));
	char *page = NULL;

	must(!posix_memalign((void **)&page, 4096, 4096));
	for (int i = 0; i < 4; i++) {
		must(read(fd, m, sizeof(*m)) == sizeof(*m));
		memset(page, 'a' + i, 4096);
		*c = (struct uffdio_copy){.dst = m->arg.pagefault.address & ~4095ul,
			.src = (uintptr_t)page,
			.len = 4096};
		must(!ioctl(fd, UFFDIO_COPY, c));
	}
	free(m);
	free(c);
	free(page);
	return NULL;
}

static void served_faults(void)
{
	int *fd = block(sizeof(*fd));
	struct uffdio_api *api = block(sizeof(*api));
	struct uffdio_register *r = block(sizeof(*r));
	char *p = pages(4 * 4096, PROT_READ | PROT_WRITE);
	pthread_t t;

	*fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);
	if (*fd < 0) {
		say("none: %s", result(*fd));
		return;
	}
	api->api = 5;
	say("no such %s", result(ioctl(*fd, UFFDIO_API, api)));
	*api = (struct uffdio_api){.api = UFFD_API};
	say("api %s", result(ioctl(*fd, UFFDIO_API, api)));
	r->range.start = (uintptr_t)p;
	r->range.len = 100;
	r->mode = UFFDIO_REGISTER_MODE_MISSING;
	say("part of a page %s", result(ioctl(*fd, UFFDIO_REGISTER, r)));
	r->range.len = 4 * 4096;
	say("register %s", result(ioctl(*fd, UFFDIO_REGISTER, r)));
	must(!pthread_create(&t, NULL, serves, fd));
	for (int i = 0; i < 4; i++)
		say("page %c", p[i * 4096 + 9]);
	must(!pthread_join(t, NULL));
	say("unregister %s", result(ioctl(*fd, UFFDIO_UNREGISTER, &r->range)));
	close(*fd);
	free(fd);
	free(api);
	free(r);
}

static void filtered_child(void *prog)
{
	struct sock_fprog *f = prog;

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, f));
	free(f->filter);
	say("refused %s", result(syscall(SYS_getpgid, 0)));
	for (int i = 0; i < 1000; i++)
		free(block((size_t)i * 7 + 1));
	say("blocks go on");
	_exit(8);
}

static void filters(void)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 71),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog *f = block(sizeof(*f));
	unsigned *action = block(sizeof(*action));
	unsigned short *sizes = block(3 * sizeof(*sizes));

	*f = (struct sock_fprog){4, block(sizeof(code))};
	memcpy(f->filter, code, sizeof(code));
	*action = SECCOMP_RET_ERRNO;
	say("known %s", result(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, action)));
	*action = 12345;
	say("unknown %s", result(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, action)));
	say_after(
		syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes), "sizes %s: %d", sizes[2]);
	say("where it cannot %s",
		result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nowhere())));
	f->len = 0;
	say("empty %s", result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, f)));
	f->len = 4;
	say("strict otherwise %s", result(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, f)));
	say_wait("child", child_start(filtered_child, f));
	free(f->filter);
	free(f);
	free(action);
	free(sizes);
}

static void by_descriptor(void)
{
	char *name = block(300), *text = block(100);
	int fd = memfd_create(strcpy(name, "some name"), MFD_ALLOW_SEALING);

	say("there %d", fd >= 0);
	sprintf(text, "/proc/self/fd/%d", fd);
	say("called %s", result(readlink(text, name, 300)));
	say("%s", name);
	must(pwrite(fd, strcpy(text, "kept by a seal"), 15, 0) == 15);
	say("seal %s", result(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK)));
	say("write %s", result(pwrite(fd, text, 15, 0)));
	say("shrink %s", result(ftruncate(fd, 0)));
	say("map %s",
		result(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0));
	say("grow %s", result(ftruncate(fd, 10000)));
	memset(name, 'n', 299);
	name[299] = 0;
	say("name too long %s", result(memfd_create(name, 0)));
	say("otherwise %s", result(memfd_create(text, 1 << 20)));
	say("where it cannot %s", result(syscall(SYS_memfd_create, nowhere(), 0)));
	free(name);
	free(text);
}

static void policies(void)
{
	unsigned long *mask = block(128), *addr = block(4 * sizeof(*addr));
	int *mode = block(sizeof(*mode)), *status = block(4 * sizeof(*status));
	char *p = NULL;

	must(!posix_memalign((void **)&p, 4096, 4 * 4096));
	memset(p, 6, 4 * 4096);
	say_after(syscall(SYS_get_mempolicy, mode, mask, 1024, NULL, 0), "get %s: %d", *mode);
	say("of a block %s", result(syscall(SYS_get_mempolicy, mode, mask, 1024, p, MPOL_F_ADDR)));
	say("of none %s",
		result(syscall(SYS_get_mempolicy, mode, mask, 1024, nowhere(), MPOL_F_ADDR)));
	mask[0] = 1;
	say("bind %s", result(syscall(SYS_mbind, p, 4 * 4096, MPOL_PREFERRED, mask, 64, 0)));
	say("part of a page %s",
		result(syscall(SYS_mbind, p + 1, 4096, MPOL_PREFERRED, mask, 64, 0)));
	say("no such %s", result(syscall(SYS_mbind, p, 4096, 99, mask, 64, 0)));
	say("back %s", result(syscall(SYS_mbind, p, 4 * 4096, MPOL_DEFAULT, NULL, 0, 0)));
	for (int i = 0; i < 4; i++)
		addr[i] = (uintptr_t)p + (uintptr_t)i * 4096;
	say_after(syscall(SYS_move_pages, 0, 4, addr, NULL, status, 0), "where %s: %d", status[3]);
	say("where it cannot %s",
		result(syscall(SYS_move_pages, 0, 4, nowhere(), NULL, status, 0)));
	say("kept %d %d", p[0], p[4 * 4096 - 1]);
	free(mask);
	free(addr);
	free(mode);
	free(status);
	free(p);
}

/* Locked blocks stay as they are when they are moved, given back, and when all is locked. */
static void locked(void)
{
	char *p = block(5 << 12);
	int kept = 0;

	say("lock %s", result(mlock(p, 5 << 12)));
	for (int i = 0; i < 50; i++) {
		p = realloc(p, (size_t)(i % 7 + 1) << 14);
		p[i] = (char)i;
		kept += p[0] == 0 && p[i] == i;
		if (i % 5 == 0)
			must(!mlock(p, 1 << 14));
		p[i] = 0;
	}
	say("kept %d", kept);
	free(p);
	say("all %s", result(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)));
	for (int i = 0; i < 200; i++)
		free(block((size_t)i * 100 + 1));
	say("all otherwise %s", result(mlockall(0x40)));
	say("only on fault %s", result(mlockall(MCL_ONFAULT)));
	say("none %s", result(munlockall()));
	p = block(1 << 16);
	say("advise %s", result(madvise(p + 1, 0, MADV_HUGEPAGE)));
	say("process %s", result(syscall(SYS_process_madvise, -1, NULL, 0, MADV_COLD, 0)));
	free(p);
}

const struct conform_case watched_cases[] = {
	{"watched_traced", traced},
	{"watched_traced_calls", traced_calls},
	{"watched_seized", seized},
	{"watched_other_memory", other_memory},
	{"watched_served_faults", served_faults},
	{"watched_filters", filters},
	{"watched_by_descriptor", by_descriptor},
	{"watched_policies", policies},
	{"watched_locked", locked},
	{NULL, NULL},
};
