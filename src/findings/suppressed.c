/*
 * suppressed.c - see suppressed.h. app context, fault path: no malloc, no stdio.
 *
 * The file is read once, at the start: later the program may have another root, or other rights.
 * The command has refused what is wrong with it; whoever sets the variable himself gets a warning.
 */
#include "suppressed.h"
#include "base/base.h"
#include "helper.h"
#include "print.h"
#include "summary.h"
#include "trace/trace.h"

#include <sys/mman.h>

#define FILE_MAX (1UL << 20)

static const char *rules; /* NULL: none */

static void warn(const char *why, long n)
{
	if (!options.quiet)
		out_line(2, "undangle: warning: suppress=%s: %s %ld: it is not used",
			options.suppress, why, n);
}

static bool all_good(const char *text)
{
	struct suppress_rule r;
	unsigned number = 0;

	while (suppress_next(&text, &number, &r))
		if (r.what == SUPPRESS_BAD) {
			warn("no rule in line", r.number);
			return false;
		}
	return true;
}

void suppressed_init(void)
{
	size_t n = 0;
	long p, r = 1;
	int fd;

	if (!options.suppress[0])
		return;
	fd = file_open(options.suppress);
	if (fd < 0) {
		warn("cannot be read, error", -fd);
		return;
	}
	p = sys_mmap(0, FILE_MAX, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	while (!sys_is_err(p) && n < FILE_MAX - 1 && r > 0) {
		r = sys_read(fd, (char *)vaddr_ptr((vaddr_t)p) + n, FILE_MAX - 1 - n);
		n += r > 0 ? (size_t)r : 0;
	}
	sys_close(fd);
	if (sys_is_err(p) || r < 0)
		warn("cannot be read, error", sys_is_err(p) ? -p : -r);
	else if (all_good(vaddr_ptr((vaddr_t)p)))
		rules = vaddr_ptr((vaddr_t)p);
}

bool suppressed_any(void)
{
	return rules;
}

static bool matches_symbols(
	const struct suppress_rule *rule, const uintptr_t *pc, size_t n, bool exact)
{
	for (size_t i = 0; i < n; i++) {
		struct symbol s;

		if (!symbol_find(pc[i] - !(exact && i == 0), &s))
			continue;
		if (suppress_matches(rule, SUPPRESS_MODULE, s.path[0] ? s.path : s.module) ||
			(s.name[0] && suppress_matches(rule, SUPPRESS_FUN, s.name)))
			return true;
	}
	return false;
}

/* The line of the rule that the helper found to match; 0: none, or no helper. */
static size_t ask(const struct report *r, const ucontext_t *uc)
{
	static struct out o UD_TABLE;
	char line[16];
	int fd = helper_open();

	if (fd < 0)
		return 0;
	out_init(&o, fd);
	print_head(&o, r);
	print_body(&o, r, uc);
	return helper_ask(fd, line, sizeof(line)) ? text_number(line) : 0;
}

bool suppressed_by_rule(const struct report *r, const ucontext_t *uc)
{
	struct suppress_rule rule;
	const char *at = rules;
	unsigned number = 0;
	size_t line = 0;
	bool deep = false, exact = report_by_access(r);
	uintptr_t pc[STACK_MAX];
	size_t n = report_frames(r, pc, STACK_MAX);

	for (size_t i = 0; suppress_next(&at, &number, &rule); i++) {
		deep = deep || rule.what != SUPPRESS_MODULE;
		if (!matches_symbols(&rule, pc, n, exact))
			continue;
		line = rule.number;
		break;
	}
	if (!line && deep)
		line = ask(r, uc);
	at = rules;
	number = 0;
	for (size_t i = 0; line && suppress_next(&at, &number, &rule); i++)
		if (rule.number == line)
			summary_rule(i);
	return line;
}

void suppressed_unused(struct out *o, const uint64_t *used)
{
	struct suppress_rule rule;
	const char *at = rules;
	unsigned number = 0;

	for (size_t i = 0; at && i < SUMMARY_RULES && suppress_next(&at, &number, &rule); i++) {
		if (used[i / 64] >> i % 64 & 1)
			continue;
		out_fmt(o, "undangle: never used: %s:%u: ", options.suppress, rule.number);
		for (size_t k = 0; k < MIN(rule.line_len, 80UL); k++)
			out_char(o, rule.line[k]);
		out_char(o, '\n');
	}
}
