/*
 * symbolize.c - undangle symbolize [FILE]: reports get functions, source lines and inlined frames,
 * and another form if one is asked for. A filter: what is no report goes through as it is.
 *
 * With --child=SECONDS it is what a dying process starts (src/findings/helper.c): all of the answer
 * is written at once at the end, or nothing within its time.
 */
#include "cli.h"
#include "dwarf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	FILE *out;
	struct look look;
	unsigned format; /* FORMAT_* */
	bool lines;
	struct stack loose; /* frames outside of a finding: of --leaks */
	const char *rules;  /* which one matches is all that is asked; NULL: no */
};

static bool matches(const struct suppress_rule *r, const struct frame *f)
{
	if (suppress_matches(r, SUPPRESS_MODULE, f->path) ||
		suppress_matches(r, SUPPRESS_FUN, f->symbol) ||
		suppress_matches(r, SUPPRESS_FUN, demangle(f->symbol)))
		return true;
	for (size_t i = 0; i < f->nlines; i++)
		if (suppress_matches(r, SUPPRESS_FUN, f->lines[i].function) ||
			suppress_matches(r, SUPPRESS_SRC, f->lines[i].file))
			return true;
	return false;
}

/* The line of the first rule that matches the use; 0: none. */
static unsigned rule_for(const struct finding *f, const char *rules)
{
	const struct stack *use = finding_place(f);
	struct suppress_rule r;
	unsigned number = 0;

	while (use && suppress_next(&rules, &number, &r))
		for (size_t i = 0; i < use->nframes; i++)
			if (matches(&r, &use->frames[i]))
				return r.number;
	return 0;
}

static void write_loose(struct job *j)
{
	dwarf_stack(&j->loose, TOP_CALLS, NULL);
	text_frames(j->out, &j->loose);
	j->loose.nframes = 0;
}

static void on_finding(struct finding *f, void *arg)
{
	struct job *j = arg;

	write_loose(j);
	if (j->lines)
		dwarf_finding(f);
	if (j->rules)
		fprintf(j->out, "%u\n", rule_for(f, j->rules));
	else if (j->format == FORMAT_ASAN)
		asan_write(j->out, f);
	else if (j->format == FORMAT_JSON)
		json_write(j->out, f);
	else
		text_write(j->out, f, &j->look);
}

static void on_other(const char *line, size_t n, void *arg)
{
	struct job *j = arg;

	if (j->lines && frame_read(&j->loose, claim_text("%.*s", (int)strcspn(line, "\n"), line)))
		return;
	write_loose(j);
	fwrite(line, 1, n, j->out);
}

static bool want_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb");
}

/* The dying process blocked every signal, and may have ignored any. */
static bool be_child(unsigned seconds)
{
	sigset_t none;

	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(seconds);
	return true;
}

static void take_format(struct job *j, const char *name)
{
	char word[16];

	for (j->format = 0; option_word("format", j->format, word, sizeof(word)); j->format++)
		if (!strcmp(name, word))
			return;
	refuse("symbolize: --format=%s: it is one of text, asan, json", name);
}

static void answer(struct job *j, int argc, char **argv)
{
	for (int i = 0; i < MAX(argc, 1); i++) {
		findings_of("symbolize", argc ? argv[i] : "-", on_finding, on_other, j);
		write_loose(j);
	}
}

bool debug_dir_take(const char *verb, const char *arg)
{
	int fd;

	if (strncmp(arg, "--debug-dir=", 12))
		return false;
	fd = open(arg + 12, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		refuse("%s: %s: %s", verb, arg, strerror(errno));
	close(fd);
	dwarf_search(arg + 12);
	return true;
}

int verb_symbolize(int argc, char **argv)
{
	struct job j = {.out = stdout, .lines = true};
	bool child = false, color = isatty(1);
	char *text = NULL;
	size_t size = 0;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (debug_dir_take("symbolize", argv[i]))
			continue;
		if (!strncmp(argv[i], "--child=", 8))
			child = j.look.rest = be_child((unsigned)atoi(argv[i] + 8));
		else if (!strncmp(argv[i], "--suppress=", 11))
			j.rules = rules_read(argv[i] + 11);
		else if (!strcmp(argv[i], "--color"))
			color = true;
		else if (!strcmp(argv[i], "--no-lines"))
			j.lines = false;
		else if (!strncmp(argv[i], "--format=", 9))
			take_format(&j, argv[i] + 9);
		else
			refuse("symbolize: unknown option '%s'; there are --format=text|asan|json "
			       "and "
			       "--debug-dir=DIR",
				argv[i]);
	}
	j.look.color = color && want_color();
	if (!child && j.lines && dwarf_missing())
		fprintf(stderr, "undangle: warning: %s\n", dwarf_missing());
	if (child && !(j.out = open_memstream(&text, &size)))
		return 1;
	answer(&j, argc - i, argv + i);
	if (child && (fclose(j.out) || write(1, text, size) != (ssize_t)size))
		return 1;
	return 0;
}
