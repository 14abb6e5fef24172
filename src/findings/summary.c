/*
 * summary.c - see summary.h. app context, fault path: raw system calls.
 *
 * A file, because it reaches what the program execs without a descriptor, a parent or memory that the
 * program could see change. Its name has the number of the process that says it: the one that the
 * command became, or, without the command, each that was not forked. Records come from whoever may write
 * there; they are numbers, and nothing else is made of them.
 */
#include "summary.h"
#include "fork.h"
#include "suppressed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <x86intrin.h>

#define FILE_MOST (1UL << 20) /* the records of thirteen thousand processes */

struct counted {
	uint32_t pid, met, told, hushed;
	uint64_t rules[SUMMARY_RULES / 64]; /* pid 0: device and inode of what was warned about */
};

static struct {
	char path[OPTION_STR_SIZE];
	int teller;
	bool said;
	bool named; /* by the command: it began a run, which somebody watches */
	bool lost;  /* it is said that the file cannot be written */
	long at;    /* of our record in the file; < 0: it is not there */
	struct counted mine;
} here;

struct sum {
	unsigned long met, told, hushed, processes, of_others;
	uint64_t rules[SUMMARY_RULES / 64];
};

void summary_init(void)
{
	const char *pid = text_after(options.summary, SUMMARY_FILE);

	here.named = pid;
	here.teller = pid ? (int)text_number(pid) : sys_getpid();
	if (here.named)
		out_snprintf(here.path, sizeof(here.path), "%s", options.summary);
	else
		out_snprintf(
			here.path, sizeof(here.path), SUMMARY_FILE "%d.%lx", here.teller, ticks());
}

bool summary_is_mine(void)
{
	return here.teller == sys_getpid() && options.backend != BACKEND_KVM;
}

bool summary_any(void)
{
	return here.mine.met && (int)here.mine.pid == sys_getpid();
}

/* Of a child of fork or vfork: a record of its own. */
static void be_process(void)
{
	uint32_t pid = (uint32_t)sys_getpid();

	if (here.mine.pid == pid)
		return;
	here.mine = (struct counted){.pid = pid};
	here.at = -1;
	here.lost = false;
}

void summary_rule(size_t nth)
{
	be_process();
	if (nth < SUMMARY_RULES)
		here.mine.rules[nth / 64] |= 1UL << nth % 64;
}

static int open_file(int flags)
{
	return (int)sys_openat(AT_FDCWD, here.path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int open_to_append(void)
{
	int fd = open_file(O_RDWR | O_APPEND);

	if (fd < 0)
		fd = open_file(O_RDWR | O_APPEND | O_CREAT | O_EXCL);
	if (fd == -EEXIST /* another process was first */)
		fd = open_file(O_RDWR | O_APPEND);
	return fd;
}

/* Where it stands then; < 0: nowhere. */
static long append(int fd, const struct counted *c)
{
	return sys_write(fd, c, sizeof(*c)) == sizeof(*c)
		       ? sys_call3(__NR_lseek, fd, 0, SEEK_CUR) - (long)sizeof(*c)
		       : -1;
}

/* False: it could not be written. */
static bool store(void)
{
	int fd = !file_may_have(FILE_MOST) ? -EFBIG
		 : here.at < 0		   ? open_to_append()
					   : open_file(O_WRONLY);

	if (fd < 0)
		return false;
	if (here.at >= 0)
		sys_call4(__NR_pwrite64, fd, (long)&here.mine, sizeof(here.mine), here.at);
	else
		here.at = append(fd, &here.mine);
	sys_close(fd);
	return here.at >= 0;
}

/* Nobody would ever remove the file: who says what is in it is gone. */
static bool teller_is_gone(void)
{
	return sys_call3(__NR_kill, here.teller, 0, 0) == -ESRCH;
}

void summary_count(enum summary_kind kind, bool fatal)
{
	bool mine = summary_is_mine();

	be_process();
	here.mine.met += kind != SUMMARY_HUSHED;
	here.mine.told += kind == SUMMARY_TOLD;
	here.mine.hushed += kind == SUMMARY_HUSHED;
	/* Nor where this is all that the teller will have to say. */
	if (options.backend == BACKEND_KVM || (mine && fatal) || (!mine && teller_is_gone()))
		return;
	if (store() || mine || !here.mine.met || here.lost)
		return;
	here.lost = true;
	log_warn(NULL,
		"what this process finds is not counted at the end of the run: "
		"%s cannot be written",
		here.path);
}

static long find_warned(int fd, const struct counted *w)
{
	struct counted c;

	for (long at = 0; sys_call4(__NR_pread64, fd, (long)&c, sizeof(c), at) == sizeof(c);
		at += (long)sizeof(c))
		if (!c.pid && c.rules[0] == w->rules[0] && c.rules[1] == w->rules[1])
			return at;
	return -1;
}

/* Of several processes at once it is the one whose record is the first. */
bool summary_warns(const char *path)
{
	struct counted w = {0};
	struct stat st = {0};
	bool first = true;
	int fd;

	if (!here.named || options.backend == BACKEND_KVM || summary_is_mine() ||
		teller_is_gone() || !file_may_have(FILE_MOST) ||
		sys_call4(__NR_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) != 0)
		return true;
	fd = open_to_append();
	if (fd < 0)
		return true;
	w.rules[0] = st.st_dev;
	w.rules[1] = st.st_ino;
	if (find_warned(fd, &w) >= 0)
		first = false;
	else {
		long at = append(fd, &w);

		first = at < 0 || find_warned(fd, &w) == at;
	}
	sys_close(fd);
	return first;
}

static void add(struct sum *s, const struct counted *c)
{
	if (!c->pid)
		return;
	s->met += c->met;
	s->told += c->told;
	s->hushed += c->hushed;
	s->processes += c->met > 0;
	s->of_others += (int)c->pid == here.teller ? 0 : c->met;
	for (size_t i = 0; i < ARRAY_LEN(s->rules); i++)
		s->rules[i] |= c->rules[i];
}

/* All but our own, of which the last count may not be there. */
static void add_file(struct sum *s)
{
	struct counted c;
	int fd = open_file(O_RDONLY);

	if (fd < 0)
		return;
	for (long at = 0; sys_read(fd, &c, sizeof(c)) == sizeof(c); at += (long)sizeof(c))
		if (at != here.at)
			add(s, &c);
	sys_close(fd);
	sys_call3(__NR_unlinkat, AT_FDCWD, (long)here.path, 0);
}

static void print_sum(struct out *o, const struct sum *s)
{
	if (options.format == FORMAT_JSON) {
		out_fmt(o, "{\"undangle\":1,\"summary\":{\"findings\":%lu,\"processes\":%lu,",
			s->met, s->processes);
		out_fmt(o, "\"told\":%lu,\"suppressed\":%lu}}\n", s->told, s->hushed);
	} else if (s->met) {
		out_fmt(o, "undangle: %lu finding%s in %lu process%s", s->met,
			s->met == 1 ? "" : "s", s->processes, s->processes == 1 ? "" : "es");
		if (s->told != s->met)
			out_fmt(o, ", %lu of them told", s->told);
		if (s->hushed)
			out_fmt(o, ", %lu suppressed", s->hushed);
		out_char(o, '\n');
	} else {
		out_fmt(o, "undangle: %lu finding%s suppressed\n", s->hushed,
			s->hushed == 1 ? "" : "s");
	}
}

void summary_tell(void)
{
	struct log_hold hold;
	struct sum s = {0};
	struct out o;
	bool sum;

	if (!summary_is_mine() || here.said)
		return;
	here.said = true;
	be_process();
	add(&s, &here.mine);
	if (here.named || here.at >= 0 || fork_was_made()) /* else it has no file */
		add_file(&s);
	/* One that ended its process was the last thing to be read of it. */
	sum = (s.met && (options.on_error == ON_ERROR_CONTINUE || (s.of_others && here.named))) ||
	      (s.hushed && (s.met || !options.quiet));
	if (!sum && !options.stats)
		return;
	log_hold(&hold);
	out_init(&o, log_fd());
	if (sum)
		print_sum(&o, &s);
	if (options.stats)
		suppressed_unused(&o, s.rules);
	out_flush(&o);
	log_release(&hold);
}
