/*
 * finding.h - for tests of findings: a fake engine in which one page is a dead block, and children
 * that run into it with their stderr caught.
 */
#ifndef FINDING_H
#define FINDING_H

#include "unit.h"
#include "findings/fault.h"
#include "findings/fork.h"
#include "base/options.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct options options = {.stacks = true};

/* Inaccessible pages: a freed block of 40 bytes at +16; nobody's. */
static char *dead, *foreign;
/* Five in a row, with dead in the middle: a live block that ends at +3000, nothing yet, dead, a
 * live block of 11 bytes that ends at +4096, and a freed one that begins there. */
static char *ours;
static uint32_t a_stack;
static int main_tid;
static uint64_t blocks_made;

/* The next time that somebody asks how many there are, which a report does: this signal comes. 0: none. */
static volatile int made_raises;

static uint64_t made(void)
{
	int sig = made_raises;

	made_raises = 0;
	if (sig)
		raise(sig);
	return blocks_made;
}

/* Its children inherit all there is. */
static bool model_appears(vaddr_t addr)
{
	return false;
}

bool fork_was_made(void)
{
	return false;
}

bool fork_is_syscall(long nr)
{
	return false;
}

long fork_syscall(long (*next)(long, long, long, long, long, long, long), const long *a)
{
	return -1;
}

static void model_find(vaddr_t addr, struct block *b)
{
	const struct {
		enum block_state state;
		unsigned at, size;
	} page[] = {{BLOCK_LIVE, 2900, 100}, {BLOCK_NEVER, 0, 0}, {BLOCK_DEAD, 16, 40},
		{BLOCK_LIVE, 4085, 11}, {BLOCK_DEAD, 0, 80}, {BLOCK_LIVE, 16, 32},
		{BLOCK_DEAD, 0, 40}};
	vaddr_t off = addr - vaddr_of(ours), i = off / 4096;

	*b = (struct block){.state = BLOCK_NONE};
	if (off < sizeof(page) / sizeof(page[0]) * 4096)
		*b = (struct block){
			.state = page[i].state,
			.base = page[i].size ? vaddr_of(ours) + i * 4096 + page[i].at : 0,
			.size = page[i].size,
			.alloc_stack = a_stack,
			.free_tid = main_tid,
			.free_stamp = 1,
			.alloc_tid = getpid(),
		};
}

struct vspace space;
static struct block_source model = {.find = model_find, .appears = model_appears};
const struct block_source *block_source = &model;

static volatile int hits;
static char text[16384];
static int status;

/* Runs fn in a child with our handlers; its stderr lands in text. */
static void in_child(void (*fn)(void))
{
	int p[2];
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe(p))
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 2);
		close(p[0]);
		close(p[1]);
		alarm(120); /* for hangs only */
		fn();
		_exit(0);
	}
	close(p[1]);
	while (n < sizeof(text) - 1 && (r = read(p[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = 0;
	close(p[0]);
	waitpid(pid, &status, 0);
}

static inline bool has(const char *want)
{
	if (strstr(text, want))
		return true;
	printf("# no \"%s\" in:\n%s", want, text);
	return false;
}

static inline unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static inline bool killed_by(int sig)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == sig)
		return true;
	printf("# status %#x\n%s", status, text);
	return false;
}

static inline bool exited(int code)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == code)
		return true;
	printf("# status %#x\n%s", status, text);
	return false;
}

/* What becomes of a child that calls fn: by which signal it dies, or what it exits with; what it tells. */
struct child {
	const char *name;
	void (*fn)(void);
	int ends;
	unsigned findings;
	const char *says[3];
};

#define CHILD(f, e, n, ...)                                                            \
	{                                                                              \
		.name = #f, .fn = f, .ends = e, .findings = n, .says = { __VA_ARGS__ } \
	}
#define EXITS(code) ((code) << 8)

static inline void children(const struct child *c, size_t n)
{
	for (; n--; c++) {
		bool good;

		in_child(c->fn);
		good = (status & ~0x80) == c->ends && count("ERROR") == c->findings;
		for (size_t i = 0; i < ARRAY_LEN(c->says) && c->says[i]; i++)
			good = has(c->says[i]) && good;
		if (!good)
			printf("# %s: status %#x, %u findings\n%s", c->name, (unsigned)status,
				count("ERROR"), text);
		unit_failed_checks += !good;
	}
}

#define CHILDREN(...)                                                 \
	do {                                                          \
		static const struct child table_[] = {__VA_ARGS__};   \
		children(table_, sizeof(table_) / sizeof(table_[0])); \
	} while (0)

static inline void finding_init(void)
{
	ours = mmap(NULL, 7 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	dead = ours + 2 * 4096;
	foreign = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	main_tid = getpid();
	stamp_start(made);
	blocks_made += 7;
	a_stack = stack_capture(__builtin_frame_address(0));
	fault_init();
}

#endif
