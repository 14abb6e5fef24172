/*
 * main.c - the undangle command: help, version, and the choice of the verb. Running a program
 * needs no verb (run.c); the others stand in verbs.def, one file each.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
#define VERB(name, args, help) {#name, args, help, verb_##name},
#include "verbs.def"
#undef VERB
	{NULL, NULL, NULL, NULL},
};

#define COLUMN 28 /* of the texts in --help: the man pages and README's table are made of them */
#define WIDTH  80

/* What can be given, and what it means, on as many lines as that takes. */
static void entry(struct out *o, const char *left, const char *text)
{
	size_t at = 2 + strlen(left), word;

	out_fmt(o, "  %s", left);
	if (at >= COLUMN)
		at = WIDTH; /* too long for a text beside it */
	for (; *text; text += word + (text[word] == ' ')) {
		word = strcspn(text, " ");
		if (at + 1 + word > WIDTH) {
			out_char(o, '\n');
			at = 0;
		}
		if (at < COLUMN)
			out_fmt(o, "%*s", (int)(COLUMN - at), "");
		else
			out_char(o, ' ');
		for (size_t i = 0; i < word; i++)
			out_char(o, text[i]);
		at = (at < COLUMN ? COLUMN : at + 1) + word;
	}
	out_char(o, '\n');
}

static int help(void)
{
	struct out o;

	out_init(&o, 1);
	out_str(&o, "usage: undangle [options] [--] PROG [ARGS...]\n");
	for (const struct verb *v = verbs; v->name; v++)
		out_fmt(&o, "       undangle %s %s\n", v->name, v->args);
	out_str(&o, "       undangle --probe | --help | --version\n\n"
		    "Runs PROG with a malloc that never gives an address twice: any use of freed\n"
		    "memory stops the program at that instruction, with a report that names the\n"
		    "block.\n\n");
	for (const struct verb *v = verbs; v->name; v++)
		entry(&o, v->name, v->help);
	out_str(&o, "\noptions:\n");
	options_help(entry, &o);
	entry(&o, "--probe", "say what this machine offers, and the path taken");
	entry(&o, "--help, --version", "");
	out_str(&o,
		"\n"
		"The same options, for a program started otherwise: LD_PRELOAD=.../libundangle.so\n"
		"UNDANGLE_OPTIONS=\"name=value:name=value\".\n");
	written(&o, "--help");
	return 0;
}

static bool is_help(const char *arg)
{
	return arg && (!strcmp(arg, "--help") || !strcmp(arg, "-h"));
}

static int verb_help(const struct verb *v)
{
	struct out o;

	out_init(&o, 1);
	out_fmt(&o, "usage: undangle %s %s\n%s\n", v->name, v->args, v->help);
	written(&o, v->name);
	return 0;
}

static int version(void)
{
	struct out o;

	out_init(&o, 1);
	out_str(&o, "undangle " UD_VERSION "\n");
	written(&o, "--version");
	return 0;
}

static int verb_run(const struct verb *v, int argc, char **argv)
{
	int rc = v->run(argc, argv);

	/* What it printed has got there, too. */
	if (fflush(stdout) || ferror(stdout))
		refuse("%s: cannot write: %s", v->name, strerror(errno));
	return rc;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		refuse("no program given: undangle [options] [--] PROG [ARGS...] (see undangle "
		       "--help)");
	for (int i = 1; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i++) {
		if (is_help(argv[i]))
			return help();
		if (!strcmp(argv[i], "--version"))
			return version();
		if (!strcmp(argv[i], "--probe"))
			return probe();
	}
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(argv[1], v->name))
			return is_help(argv[2]) ? verb_help(v) : verb_run(v, argc - 1, argv + 1);
	return run(argc, argv);
}
