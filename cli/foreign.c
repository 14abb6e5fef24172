/*
 * foreign.c - the library of another process, run over a copy of its memory (foreign.h).
 *
 * A core may come from anywhere: the child that runs over it may read, write to its pipes and map
 * memory, and any other system call kills it. What breaks it: a page of the child's own where that
 * process has one, which would be read instead: foreign_start looks, and says so.
 */
#include "foreign.h"
#include "cli.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES		 "UNDANGLE_FOREIGN_TRY"
#define QUESTION_SECONDS 5 /* of processor time: a broken core may lead in circles */

struct question {
	vaddr_t addr;
	bool count; /* instead */
};

struct answer {
	bool known;
	size_t report;
	struct lookup look;
	struct metrics counts;
};

struct asked {
	void (*look)(vaddr_t addr, struct lookup *l);
	void (*count)(struct metrics *m);
};

/* Of the child. */
static struct foreign *of;
static int library_fd;
static const char *image; /* the library's file */
static size_t image_size;
static sigjmp_buf missing;

static const Elf64_Phdr *segments(size_t *n)
{
	const Elf64_Ehdr *e = (const void *)image;

	*n = e->e_phnum;
	return (const void *)(image + e->e_phoff);
}

static bool image_open(const char *path)
{
	const Elf64_Ehdr *e;
	struct stat st;
	void *p;

	library_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (library_fd < 0 || fstat(library_fd, &st) || st.st_size < (off_t)PAGE_SIZE)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, library_fd, 0);
	if (p == MAP_FAILED)
		return false;
	image = p;
	image_size = (size_t)st.st_size;
	e = p;
	return !memcmp(e->e_ident, ELFMAG, SELFMAG) && e->e_ident[EI_CLASS] == ELFCLASS64 &&
	       e->e_phoff + e->e_phnum * sizeof(Elf64_Phdr) <= PAGE_SIZE &&
	       e->e_shoff + e->e_shnum * sizeof(Elf64_Shdr) <= image_size;
}

static void image_close(void)
{
	if (image)
		munmap((void *)(uintptr_t)image, image_size);
	if (library_fd >= 0)
		close(library_fd);
	image = NULL;
}

/* The first page holds the build id, and nothing that is written; strip changes its first bytes. */
bool foreign_is(const struct foreign *f, const char *path)
{
	char page[PAGE_SIZE];
	size_t from = sizeof(Elf64_Ehdr);
	bool same = image_open(path) && f->page(f->base, page) &&
		    !memcmp(image + from, page + from, PAGE_SIZE - from);

	image_close();
	return same;
}

/* The offset of an exported function in the library; 0: it has none of that name. */
static vaddr_t exported(const char *name)
{
	const Elf64_Ehdr *e = (const void *)image;
	const Elf64_Shdr *s = (const void *)(image + e->e_shoff), *str;

	for (size_t i = 0; i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_DYNSYM || s[i].sh_link >= e->e_shnum)
			continue;
		str = &s[s[i].sh_link];
		for (size_t at = s[i].sh_offset; at < s[i].sh_offset + s[i].sh_size;
			at += sizeof(Elf64_Sym)) {
			const Elf64_Sym *y = (const void *)(image + at);

			if (!strcmp(image + str->sh_offset + y->st_name, name))
				return y->st_value;
		}
	}
	return 0;
}

/* Text and constants of the library; NULL: not of them. */
static const Elf64_Phdr *constant_at(vaddr_t page)
{
	size_t n;
	const Elf64_Phdr *p = segments(&n);

	for (; n--; p++)
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) &&
			page >= ALIGN_DOWN(of->base + p->p_vaddr, PAGE_SIZE) &&
			page < of->base + p->p_vaddr + p->p_filesz)
			return p;
	return NULL;
}

static bool show_page(vaddr_t page)
{
	static char data[PAGE_SIZE];
	const Elf64_Phdr *p = constant_at(page);
	int exact = MAP_PRIVATE | MAP_FIXED_NOREPLACE;
	int prot = p && p->p_flags & PF_X ? PROT_READ | PROT_EXEC : PROT_READ;
	void *at = vaddr_ptr(page);

	if (p)
		return mmap(at, PAGE_SIZE, prot, exact, library_fd,
			       (off_t)(page - of->base - p->p_vaddr + p->p_offset)) == at;
	if (!of->page(page, data) ||
		mmap(at, PAGE_SIZE, PROT_READ | PROT_WRITE, exact | MAP_ANONYMOUS, -1, 0) != at)
		return false;
	memcpy(at, data, PAGE_SIZE);
	return true;
}

static void on_fault(int sig, siginfo_t *si, void *context)
{
	if (!show_page(ALIGN_DOWN(vaddr_of(si->si_addr), PAGE_SIZE)))
		siglongjmp(missing, 1);
}

/* Else the kernel puts zeros below its stack, where that process may have a page, and nothing faults. */
static bool stack_stays(void)
{
	return !setrlimit(RLIMIT_STACK, &(struct rlimit){0, 0});
}

static void take_faults(void)
{
	static char stack[64 << 10];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static bool confine(void)
{
#define ALLOW(name) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW)
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), ALLOW(read),
		ALLOW(write), ALLOW(pread64), ALLOW(mmap), ALLOW(rt_sigreturn),
		ALLOW(rt_sigprocmask), ALLOW(setitimer), ALLOW(exit_group),
		BPF_STMT(BPF_RET, SECCOMP_RET_KILL_PROCESS)};
	struct sock_fprog filter = {ARRAY_LEN(code), code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static void say(int fd, const void *p, size_t n)
{
	if (write(fd, p, n) != (ssize_t)n)
		_exit(1);
}

static void child(int questions, int answers, const struct asked *of_it)
{
	static struct answer a;
	static struct question q;
	const struct itimerval limit = {.it_value.tv_sec = QUESTION_SECONDS};

	signal(SIGVTALRM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take_faults();
	if (!stack_stays() || !confine())
		_exit(1);
	while (read(questions, &q, sizeof(q)) == sizeof(q)) {
		memset(&a, 0, sizeof(a));
		setitimer(ITIMER_VIRTUAL, &limit, NULL);
		if (!sigsetjmp(missing, 1)) {
			if (q.count) {
				of_it->count(&a.counts);
			} else {
				of_it->look(q.addr, &a.look);
				a.report = strnlen(a.look.report, FOREIGN_REPORT - 1);
			}
			a.known = true;
		}
		say(answers, &a, sizeof(a));
		if (a.known && a.report)
			say(answers, a.look.report, a.report);
	}
	_exit(0);
}

/* Is a page of ours where that process has one? (The vDSO's are of this process; both have the vsyscall page.) */
static bool is_in_the_way(const struct foreign *f)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char page[PAGE_SIZE], name[200], *line = NULL;
	unsigned long lo, hi;
	bool found = false;
	size_t size = 0;

	while (maps && !found && getline(&line, &size, maps) > 0) {
		name[0] = 0;
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %199s", &lo, &hi, name) < 2 ||
			!strcmp(name, "[vsyscall]"))
			continue;
		for (; lo < hi && !found; lo += PAGE_SIZE)
			found = f->page(lo, page);
	}
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

void foreign_elsewhere(const struct foreign *f, char **argv)
{
	const char *tries = getenv(TRIES);
	char next[16];
	int n = tries ? atoi(tries) : 0;

	if (n == 20)
		refuse("%s: there is no place beside that process's memory", f->verb);
	snprintf(next, sizeof(next), "%d", n + 1);
	setenv(TRIES, next, 1);
	personality((unsigned long)personality(0xffffffff) & ~(unsigned long)ADDR_NO_RANDOMIZE);
	execv("/proc/self/exe", argv);
	refuse("%s: cannot start again: %s", f->verb, strerror(errno));
}

bool foreign_start(struct foreign *f)
{
	int ask[2], answer[2];
	vaddr_t look, count;

	if (!image_open(f->library) || !(look = exported("ud_look")) ||
		!(count = exported("ud_count")))
		refuse("%s: %s: is no library of this undangle", f->verb, f->library);
	if (!f->base)
		f->base = f->look - look;
	if (is_in_the_way(f)) {
		image_close();
		return false;
	}
	of = f;
	if (pipe2(ask, O_CLOEXEC) || pipe2(answer, O_CLOEXEC) || (f->child = fork()) < 0)
		refuse("%s: cannot start a process: %s", f->verb, strerror(errno));
	if (!f->child) {
		close(ask[1]);
		close(answer[0]);
		child(ask[0], answer[1],
			&(struct asked){vaddr_ptr(f->base + look), vaddr_ptr(f->base + count)});
	}
	close(ask[0]);
	close(answer[1]);
	f->ask = ask[1];
	f->answer = answer[0];
	return true;
}

static bool read_all(int fd, void *dst, size_t n)
{
	for (char *p = dst; n;) {
		ssize_t r = read(fd, p, n);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static void foreign_end(struct foreign *f)
{
	close(f->ask);
	close(f->answer);
	waitpid(f->child, NULL, 0);
}

bool foreign_look(struct foreign *f, vaddr_t addr, struct lookup *l, char *text)
{
	static char unread[FOREIGN_REPORT];
	const struct question q = {.addr = addr};
	struct answer a;

	if (!text)
		text = unread;
	signal(SIGPIPE, SIG_IGN);
	if (write(f->ask, &q, sizeof(q)) != sizeof(q) || !read_all(f->answer, &a, sizeof(a)) ||
		a.report >= FOREIGN_REPORT || MAX(a.look.nalloc, a.look.nfree) > LOOK_FRAMES ||
		!read_all(f->answer, text, a.report))
		refuse("%s: what is in it is no memory of an undangle process", f->verb);
	text[a.report] = 0;
	*l = a.look;
	return a.known;
}

bool foreign_count(struct foreign *f, struct metrics *m)
{
	const struct question q = {.count = true};
	struct answer a;
	bool known;

	signal(SIGPIPE, SIG_IGN);
	known = write(f->ask, &q, sizeof(q)) == sizeof(q) && read_all(f->answer, &a, sizeof(a)) &&
		a.known;
	if (known)
		*m = a.counts;
	else
		foreign_end(f);
	return known;
}
