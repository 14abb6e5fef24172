/*
 * dune.c - undangle dune [--stats] [--precise] [--] PROG [ARGS...]: PROG in guest ring 0 of a
 * virtual machine of its own, with no other allocator. Checks first, then becomes the program
 * with libdune.so preloaded.
 */
#include "cli.h"

#include "dune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void libdune_find(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		refuse("cannot read /proc/self/exe (%s): mount /proc", strerror(errno));
	self[n] = 0;
	*strrchr(self, '/') = 0;
	for (int i = 0; i < 2; i++) {
		if (snprintf(path, PATH_MAX, i ? "%s/../lib/undangle/libdune.so" : "%s/libdune.so",
			    self) < PATH_MAX &&
			!access(path, R_OK))
			return;
	}
	refuse("libdune.so is neither in %s nor in %s/../lib/undangle: run make, or make install",
		self, self);
}

static void preload_set(const char *lib)
{
	const char *old = getenv("LD_PRELOAD");
	char value[2 * PATH_MAX];

	snprintf(value, sizeof(value), "%s%s%s", lib, old && *old ? ":" : "", old ? old : "");
	setenv("LD_PRELOAD", value, 1);
}

int verb_dune(int argc, char **argv)
{
	char lib[PATH_MAX], path[PATH_MAX], options[32] = "";
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--stats") && strcmp(argv[i], "--precise"))
			refuse("unknown option '%s' of dune; there are --stats and --precise",
				argv[i]);
		snprintf(options + strlen(options), sizeof(options) - strlen(options), "%s%s",
			*options ? "," : "", argv[i] + 2);
	}
	if (i >= argc)
		refuse("no program given; usage: undangle dune [--stats] [--precise] [--] PROG "
		       "[ARGS...]");
	libdune_find(lib);
	program_check(argv[i], path);
	kvm_check("cannot enter ring 0");
	if (*options)
		setenv("DUNE_OPTIONS", options, 1);
	preload_set(lib);
	execv(path, argv + i);
	refuse("%s: %s", path, strerror(errno));
}
