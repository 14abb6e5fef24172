/*
 * layout.c - undangle layout [--precise] [--svg FILE] [-- PROG [ARGS]]: the address space as the
 * Dune layer would see it, of this command or of PROG once its libraries are loaded. PROG's own
 * code does not run. Needs no /dev/kvm: the page tables are made in plain Linux.
 */
#include "cli.h"

#include "dune/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int layout_self(bool precise, const char *svg)
{
	const char *what;
	int r = layout_show(precise ? MAPPINGS_PRECISE : MAPPINGS_FULL, svg, &what);

	if (r)
		refuse("layout: %s: %s", what, strerror(-r));
	return 0;
}

/* Becomes PROG with the printing library in front. */
static int layout_prog(bool precise, const char *svg, char **argv)
{
	char path[PATH_MAX], lib[PATH_MAX];

	program_check(argv[0], path);
	argv = program_without_env(path, argv);
	library_find("libundangle-layout.so", lib);
	if (setenv("LD_PRELOAD", lib, 1) ||
		setenv("UNDANGLE_LAYOUT",
			claim_text("%s%s%s", precise ? "precise" : "full", svg ? ":" : "",
				svg ? svg : ""),
			1))
		refuse("out of memory");
	execv(path, argv);
	refuse("%s: cannot be run: %s", argv[0], strerror(errno));
}

int verb_layout(int argc, char **argv)
{
	const char *svg = NULL;
	bool precise = false;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (!strcmp(argv[i], "--precise"))
			precise = true;
		else if (!strncmp(argv[i], "--svg=", 6))
			svg = argv[i] + 6;
		else if (!strcmp(argv[i], "--svg"))
			svg = i + 1 < argc ? argv[++i] : "";
		else
			refuse("layout: unknown option '%s': undangle layout [--precise] [--svg "
			       "FILE] "
			       "[-- PROG [ARGS...]]",
				argv[i]);
	}
	if (svg && !*svg)
		refuse("layout: --svg: no file given");
	return i < argc ? layout_prog(precise, svg, argv + i) : layout_self(precise, svg);
}
