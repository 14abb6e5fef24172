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
	library_find("libdune.so", lib);
	program_check(argv[i], path);
	kvm_check("cannot enter ring 0");
	if (*options)
		setenv("DUNE_OPTIONS", options, 1);
	preload_set(lib);
	execv(path, argv + i);
	refuse("%s: %s", path, strerror(errno));
}
