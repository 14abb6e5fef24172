/*
 * run.c - undangle [options] [--] PROG [ARGS...]: checks everything that can be checked first,
 * then sets LD_PRELOAD and UNDANGLE_OPTIONS and becomes the program.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const cli_options[] = {"help", "version", "probe", NULL};

void library_find(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		refuse("cannot read /proc/self/exe (%s): mount /proc", strerror(errno));
	self[n] = 0;
	slash = strrchr(self, '/');
	*slash = 0;
	out_snprintf(path, PATH_MAX, "%s/libundangle.so", self);
	if (!access(path, R_OK))
		return;
	out_snprintf(path, PATH_MAX, "%s/../lib/undangle/libundangle.so", self);
	if (!access(path, R_OK))
		return;
	refuse("libundangle.so is neither in %s nor in %s/../lib/undangle: run make, or make "
	       "install",
		self, self);
}

/* The settings of the environment, then those of the command line; returns the index of PROG. */
static int options_take(struct options *o, int argc, char **argv)
{
	char why[OPTION_STR_SIZE * 2];
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		if (strncmp(argv[i], "--", 2))
			refuse("unknown option '%s'; options begin with two dashes (see undangle "
			       "--help)",
				argv[i]);
		if (option_set(o, argv[i] + 2, "--", why, sizeof(why)))
			refuse("%s", why);
	}
	return i;
}

static void bad_environment(const char *why)
{
	out_line(2, "undangle: warning: UNDANGLE_OPTIONS: %s (ignored)", why);
}

static void environment_set(const struct options *o, const char *lib)
{
	char text[4096];
	const char *old = getenv("LD_PRELOAD");
	char *preload;

	options_format(o, text, sizeof(text));
	if (asprintf(&preload, "%s%s%s", lib, old && *old ? ":" : "", old ? old : "") < 0 ||
		setenv("LD_PRELOAD", preload, 1) || setenv("UNDANGLE_OPTIONS", text, 1))
		refuse("out of memory");
}

int run(int argc, char **argv)
{
	char lib[PATH_MAX];
	struct options o;
	int at;

	options_default(&o);
	if (getenv("UNDANGLE_OPTIONS"))
		options_parse(&o, getenv("UNDANGLE_OPTIONS"), bad_environment);
	at = options_take(&o, argc, argv);
	if (at >= argc)
		refuse("no program given; usage: undangle [options] [--] PROG [ARGS...]");
	library_find(lib);
	environment_set(&o, lib);
	execvp(argv[at], argv + at);
	refuse("%s: %s", argv[at], strerror(errno));
}
